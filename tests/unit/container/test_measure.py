"""Parity and latency of a compiled model."""

from __future__ import annotations

import numpy as np
import pytest

from container import measure


@pytest.mark.parametrize(
    ("expected", "actual", "passed"),
    [
        ([1.0, 300_000.0], [1.0, 300_002.9], True),
        ([1.0, 300_000.0], [1.0, 300_003.1], False),
        ([0.0, 0.5], [0.000009, 0.5], True),
        ([0.0, 0.5], [0.000011, 0.5], False),
        ([1.0], [float("nan")], False),
        ([1.0, 2.0], [1.0], False),
    ],
)
def test_tolerance_is_relative_beyond_one(
    expected: list[float], actual: list[float], passed: bool
) -> None:
    found = measure.parity(np.array(expected), np.array(actual)[:, None], 1e-5)

    assert found["passed"] is passed
    assert found["rows"] == len(expected)
    assert found["tolerance"] == 1e-5


def test_differences_are_reported_in_both_scales() -> None:
    found = measure.parity(np.array([200.0, 4.0]), np.array([202.0, 4.1]), 1e-3)

    assert found["max_abs"] == pytest.approx(2.0)
    assert found["max_rel"] == pytest.approx(0.025)
    assert "on 2 held-out rows the largest difference is 2 (2.50e-02" in measure.complaint(found)


def test_latency_has_single_rows_and_batches() -> None:
    seen: list[int] = []
    rows = np.zeros((50, 3), np.float32)

    found = measure.latency(lambda batch: seen.append(len(batch)), rows, "nothing 1.0")

    assert set(seen) == {1, 50}
    assert 0 <= found["single_row_us"]["p50"] <= found["single_row_us"]["p99"]
    assert found["batch_rows"] == 50
    assert found["batch_rows_per_second"] > 0
    assert found["runtime"] == "nothing 1.0"
