# ruff: noqa: UP006, UP035 - Neo's XGBoost image has Python 3.6 and numpy 1.19
"""What compiling a model changed: its predictions, and how fast they come."""

import time
from typing import Any, Callable, Dict

import numpy as np

SINGLE_CALLS = 300
WARM_UP_CALLS = 20
BATCH_SECONDS = 0.5


def latency(predict: Callable[[Any], Any], rows: Any, runtime: str) -> Dict[str, Any]:
    """Time ``predict`` over ``rows`` (n, features) float32, in this process, by the wall clock.

    Returns ``single_row_us`` (p50 and p99 of calls with one row each, microseconds),
    ``batch_rows_per_second`` (calls with all rows, for about half a second), ``batch_rows`` (n)
    and ``runtime``.
    """
    singles = [rows[i % len(rows) : i % len(rows) + 1] for i in range(SINGLE_CALLS)]
    for row in singles[:WARM_UP_CALLS]:
        predict(row)
    times = []
    for row in singles:
        started = time.perf_counter()
        predict(row)
        times.append(time.perf_counter() - started)
    predict(rows)
    calls, started, passed = 0, time.perf_counter(), 0.0
    while passed < BATCH_SECONDS:
        predict(rows)
        calls, passed = calls + 1, time.perf_counter() - started
    p50, p99 = np.percentile(times, [50, 99]) * 1e6
    return {
        "single_row_us": {"p50": round(float(p50), 1), "p99": round(float(p99), 1)},
        "batch_rows_per_second": round(calls * len(rows) / passed),
        "batch_rows": len(rows),
        "runtime": runtime,
    }


def parity(expected: Any, actual: Any, tolerance: float) -> Dict[str, Any]:
    """How far ``actual`` predictions are from ``expected`` ones, both (n,) or (n, outputs).

    A difference may be ``tolerance`` for predictions up to 1, and ``tolerance`` times the expected
    prediction beyond: ``max_rel`` is the largest difference on that scale, ``max_abs`` the largest
    in the target's unit. Predictions of another count, or NaN, never pass.
    """
    expected = np.asarray(expected, np.float64)
    actual = np.asarray(actual, np.float64)
    if expected.size != actual.size:
        difference = scaled = float("inf")
    else:
        differences = np.abs(actual.reshape(expected.shape) - expected)
        difference = float(np.max(differences))
        scaled = float(np.max(differences / np.maximum(np.abs(expected), 1.0)))
    return {
        "rows": len(expected),
        "max_abs": difference,
        "max_rel": scaled,
        "tolerance": tolerance,
        "passed": bool(scaled <= tolerance),
    }


def complaint(found: Dict[str, Any]) -> str:
    """Why ``parity`` did not pass, as a sentence."""
    return (
        "the compiled model predicts differently: on {rows} held-out rows the largest difference"
        " is {max_abs:.6g} ({max_rel:.2e} of the prediction), allowed is {tolerance:.0e}".format(
            **found
        )
    )
