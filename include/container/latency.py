"""How fast a model answers: the same measurement before and after compilation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

SINGLE_ROWS = 500
WARM_UP = 50
BATCH_SECONDS = 0.5


def measure(predict: Callable[[Any], Any], rows: Any) -> dict[str, float]:
    """Time ``predict`` on single rows and on all rows at once, in this process.

    Args:
        predict: takes ``(n, features)`` float32. Give it one thread, as a server's worker has.
        rows: ``(rows, features)`` float32; every single row measured is another one of them.

    Returns:
        ``p50_us`` and ``p99_us`` of a single row, ``rows_per_second`` of the best batch and its
        ``batch_rows``. Parsing and network are not in it.
    """
    singles = [np.ascontiguousarray(rows[i % len(rows)][None]) for i in range(SINGLE_ROWS)]
    for row in singles[:WARM_UP]:
        predict(row)
    micros = np.array([_seconds(predict, row) for row in singles]) * 1e6
    batches = [_seconds(predict, rows)]
    while sum(batches) < BATCH_SECONDS:
        batches.append(_seconds(predict, rows))
    return {
        "p50_us": round(float(np.percentile(micros, 50)), 1),
        "p99_us": round(float(np.percentile(micros, 99)), 1),
        "rows_per_second": round(len(rows) / min(batches), 1),
        "batch_rows": len(rows),
    }


def _seconds(predict: Callable[[Any], Any], rows: Any) -> float:
    started = time.perf_counter()
    predict(rows)
    return time.perf_counter() - started
