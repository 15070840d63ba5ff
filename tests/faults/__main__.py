"""`python -m tests.faults`: run the whole matrix and write docs/benchmarks/faults.md.

Exits with 1 when a cell of Frugal's is wrong. Words restrict it to the cells whose name holds all of them; then
no page is written. What the cluster logged is in `faults` of FRUGAL_HOME.
"""

from __future__ import annotations

import shutil
import sys
import time

from demo.home import Home
from tests.faults import page, setup
from tests.faults.matrix import SUBJECTS, Cell, cells
from tests.faults.outcome import Outcome
from tests.faults.stage import play, summary


def main(words: list[str]) -> int:
    """0 when every cell of Frugal's is right."""
    started = time.monotonic()
    chosen = [
        cell
        for cell in cells(*SUBJECTS)
        if cell.reason_against is None and (not words or all(word in str(cell) for word in words))
    ]
    count = 0

    def tell(cell: Cell, found: Outcome) -> None:
        nonlocal count
        count += 1
        verdict = "; ".join(found.wrong(cell.right)) or "right"
        seconds = time.monotonic() - started
        print(f"{seconds:5.0f} s  {count}/{len(chosen)}  {cell}: {verdict}  {found}", flush=True)

    home = Home.load().path
    shutil.rmtree(home / "faults", ignore_errors=True)
    (home / "faults").mkdir(parents=True)
    cluster = setup.make(home / "faults", home / "envs")
    with cluster.programs:
        cluster.launch({cell.dag for cell in chosen} | {"clean_up"})
        outcomes = play(cluster, chosen, tell)
    print(summary(outcomes))
    if not words:
        page.write(outcomes, time.monotonic() - started)
    return int(any(f.wrong(c.right) for c, f in outcomes.items() if c.subject == "frugal"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
