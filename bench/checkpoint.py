"""What interruptibility costs a training: ``python -m bench.checkpoint``.

The same XGBoost training three ways, in the environment that stands for AWS's XGBoost image:
``xgboost.train`` alone, `container.boosting` in segments with one checkpoint at the end, and with
a checkpoint every second. The ways take turns, each turn beginning with another one, so that a
busy machine slows all of them. Reported are the medians, in seconds of processor time and of the
clock; the overhead is the median over the turns, each against its own plain training.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve()
PYTHON = HOME / "envs" / "images" / "xgboost-3.0-5" / "bin" / "python"

TURNS = 12
ROWS = 100_000
FEATURES = 20
ARGUMENTS = "--objective reg:squarederror --num_round 400 --max_depth 6 --nthread 1 --subsample 0.8"
WAYS = {"plain": None, "one checkpoint": 86_400, "one a second": 1}


def run() -> dict[str, Any]:
    """Per way: ``cpu_seconds``, ``seconds``, ``checkpoints``; and the overhead of the two, in percent."""
    finished = subprocess.run(
        [str(PYTHON), "-m", "bench.checkpoint", "--here"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "include:."},
        check=True,
        stdout=subprocess.PIPE,
    )
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def main() -> None:
    result = run()
    print(f"checkpoints: {ROWS:,} rows, {FEATURES} features, 400 rounds, median of {TURNS}")
    for way, row in result.items():
        cost = f"{row['overhead_percent']:+.1f} %" if way != "plain" else ""
        print(
            f"  {way:15} {row['cpu_seconds']:6.2f} s cpu {row['seconds']:6.2f} s "
            f"{row['checkpoints']:3} written {cost}"
        )


def _measure() -> dict[str, Any]:
    from container import boosting
    from container.features import FeatureSchema

    given = boosting.read_hyperparameters(ARGUMENTS.split())
    with tempfile.TemporaryDirectory() as scratch:
        names = _write_data(Path(scratch))
        schema = FeatureSchema(names[:-1], names[-1], dict.fromkeys(names, "float"), {})
        taken: dict[str, list[tuple[float, float, int]]] = {way: [] for way in WAYS}
        _train(given, schema, scratch, None)  # the first one pays for what stays loaded
        for turn in range(TURNS):
            first = turn % len(WAYS)
            for way in [*WAYS][first:] + [*WAYS][:first]:
                taken[way].append(_timed(partial(_train, given, schema, scratch, WAYS[way])))
    return {
        way: {
            "cpu_seconds": round(median(cpu for cpu, _, _ in runs), 3),
            "seconds": round(median(clock for _, clock, _ in runs), 3),
            "checkpoints": runs[-1][2],
            "overhead_percent": round(
                median(
                    100 * (cpu / plain - 1)
                    for (cpu, _, _), (plain, _, _) in zip(runs, taken["plain"], strict=True)
                ),
                2,
            ),
        }
        for way, runs in taken.items()
    }


def _write_data(directory: Path) -> list[str]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    names = [f"x{i}" for i in range(FEATURES)]
    for split, rows in (("train", ROWS), ("validation", ROWS // 5)):
        columns = {name: random.normal(size=rows) for name in names}
        target = sum(columns.values()) + random.normal(size=rows)
        (directory / split).mkdir()
        pq.write_table(pa.table({**columns, "y": target}), directory / split / "part.parquet")
    return [*names, "y"]


def _train(given: dict[str, Any], schema: Any, directory: str, interval: float | None) -> int:
    """Train once; the number of checkpoints written."""
    import xgboost as xgb

    from container import boosting
    from container.checkpoint import Checkpoints

    train, validation = Path(directory) / "train", Path(directory) / "validation"
    if interval is None:
        params = {k: v for k, v in given.items() if k not in boosting.OWN}
        data = boosting.load(train, schema, params)
        held_out = boosting.load(validation, schema, params, data)
        xgb.train(
            params, data, given["num_round"], evals=[(held_out, "validation")], verbose_eval=False
        )
        return 0
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):
        checkpoints = Checkpoints(Path(scratch), {}, interval)
        boosting.fit(given, schema, train, validation, checkpoints)
        return checkpoints.written


def _timed(work: Callable[[], int]) -> tuple[float, float, int]:
    cpu, clock = time.process_time(), time.perf_counter()
    written = work()
    return time.process_time() - cpu, time.perf_counter() - clock, written


if __name__ == "__main__":
    if "--here" in sys.argv:
        print(json.dumps(_measure()))
    else:
        main()
