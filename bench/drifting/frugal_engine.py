"""The drift job's numeric checks on columns in memory: ``... REFERENCE.npy WINDOW.npy OUTPUT.json MONITOR``,
both ``(columns, rows)`` float32. Sorting counts; reading the files does not.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from container.drift import checks
from container.drift.limits import Limits
from container.drift.sample import Sample


def main(reference: str, window: str, output: str, monitor: str) -> None:
    limits = Limits.of(json.loads(monitor))
    before, now = np.load(reference), np.load(window)
    started, processors = time.perf_counter(), time.process_time()

    def one(column: int) -> checks.Check:
        known = Sample.distinct(before[column])
        scale = float(before[column].std(dtype=np.float64))
        own = Sample.of(now[column])
        return checks.numeric(str(column), "feature", known, scale, own, limits)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        asked = list(pool.map(one, range(len(now))))
    checks.decide(asked, limits)
    taken = {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - processors,
        "ks": [check.p_value for check in asked],
        "wasserstein": [check.effects["wasserstein"] for check in asked],
        "checks": [asdict(check) for check in asked],
    }
    Path(output).write_text(json.dumps(taken))


if __name__ == "__main__":
    main(*sys.argv[1:])
