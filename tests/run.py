"""Run the whole suite, each folder in the environment that its code runs in.

    python3 tests/run.py [pytest arguments]

One suite more than there are cores runs at the same time, as most wait much of theirs. Each one's output is shown
when it ends, and the last line counts them all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVS = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve() / "envs"


@dataclass(frozen=True)
class Suite:
    """Test folders, and the environment that holds what they need."""

    env: str
    folders: tuple[str, ...]


#: pytest's exit status when no test of a suite matches its arguments
NOTHING_MATCHED = 5
#: Every folder that these do not name runs beside Airflow, last. The long ones first.
APART = (
    Suite("airflow", ("tests/contract/local_aws",)),
    Suite("airflow", ("tests/e2e", "tests/faults")),
    Suite("airflow", ("tests/contract/serving", "tests/contract/ladder")),
    Suite("airflow", ("tests/contract/jobs", "tests/contract/clients")),
    Suite("airflow", ("tests/contract/retraining", "tests/contract/monitoring")),
    Suite("airflow", ("tests/contract/cleanup", "tests/contract/events")),
    Suite("tests/xgboost-3.0-5", ("tests/unit/container", "tests/unit/model")),
    Suite("tests/pytorch-2.13", ("tests/unit/network",)),
    Suite("tests/local-aws", ("tests/unit/local_aws",)),
)


def suites() -> list[Suite]:
    """All of them, with the folders that hold tests."""
    apart = [
        Suite(suite.env, tuple(folder for folder in suite.folders if holds_tests(folder)))
        for suite in APART
    ]
    ignored = [f"--ignore={folder}" for suite in apart for folder in suite.folders]
    return [*(suite for suite in apart if suite.folders), Suite("airflow", ("tests", *ignored))]


def holds_tests(folder: str) -> bool:
    return any((REPOSITORY / folder).rglob("test_*.py"))


def run(suite: Suite) -> tuple[bool, Counter[str]]:
    """Run one suite and show its output; whether it passed, and how many tests ended how."""
    name = " ".join(part for part in suite.folders if not part.startswith("-"))
    cache = f"cache_dir={ENVS.parent / 'pytest' / name.replace('/', '-')}"
    python = ENVS / suite.env / "bin" / "python"
    if not python.exists():
        print(f"== {name}: left out, {suite.env} cannot be built on this Python\n", flush=True)
        return True, Counter(skipped=1)
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-o", cache, *suite.folders, *sys.argv[1:]],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(f"== {name} ({suite.env})\n{done.stdout}", flush=True)
    last = done.stdout.rstrip().rpartition("\n")[2]
    counts = Counter[str]()
    for number, outcome in re.findall(r"(\d+) (passed|failed|skipped|error)", last):
        counts[outcome] += int(number)
    return done.returncode in (0, NOTHING_MATCHED), counts


def main() -> int:
    """0 when every suite passed and at least one test ran."""
    started = time.monotonic()
    with ThreadPoolExecutor(1 + (os.cpu_count() or 1)) as pool:
        results = list(pool.map(run, suites()))
    counts = sum((counts for _, counts in results), Counter[str]())
    print(f"All suites took {time.monotonic() - started:.0f} s")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed{skipped}")
    return 0 if counts["passed"] and all(passed for passed, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
