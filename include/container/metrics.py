"""The metrics a model is judged by, in float64."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float64]

HIGHER_IS_BETTER = frozenset({"r2", "accuracy", "auc"})
REGRESSION = ("rmse", "mae", "mape", "r2")
CLASSIFICATION = ("accuracy", "auc")


def compute(metric: str, expected: Any, predicted: Any) -> dict[str, float]:
    """``metric`` and the others of its family that the data allow.

    Args:
        expected: ``(rows,)``; class numbers for classification.
        predicted: ``(rows,)`` values, or probabilities of class 1; for more classes ``(rows,)``
            class numbers or ``(rows, classes)`` probabilities.

    Raises:
        ValueError: ``metric`` is unknown, or not defined on these rows.
    """
    y = np.asarray(expected, dtype=np.float64)
    p = np.asarray(predicted, dtype=np.float64)
    if metric in REGRESSION:
        found = _regression(y, p)
    elif metric in CLASSIFICATION:
        found = _classification(y, p)
    else:
        known = ", ".join((*REGRESSION, *CLASSIFICATION))
        raise ValueError(f"evaluate.metric is {metric!r}; allowed: {known}")
    if metric not in found:
        raise ValueError(f"{metric} is not defined on these {len(y)} rows")
    return found


def better(metric: str, value: float, than: float) -> bool:
    """Whether ``value`` is strictly better."""
    return value > than if metric in HIGHER_IS_BETTER else value < than


def _regression(y: Vector, p: Vector) -> dict[str, float]:
    error = p - y
    found = {"rmse": float(np.sqrt(np.mean(error**2))), "mae": float(np.mean(np.abs(error)))}
    nonzero = y != 0
    if nonzero.any():
        found["mape"] = float(np.mean(np.abs(error[nonzero] / y[nonzero])))
    spread = float(np.sum((y - y.mean()) ** 2))
    if spread > 0:
        found["r2"] = 1 - float(np.sum(error**2)) / spread
    return found


def _classification(y: Vector, p: Vector) -> dict[str, float]:
    if p.ndim == 2:
        return {"accuracy": float(np.mean(p.argmax(axis=1) == y))}
    if y.max() > 1 or ((p > 1) & (p == np.rint(p))).any():
        return {"accuracy": float(np.mean(p == y))}
    found = {"accuracy": float(np.mean((p >= 0.5) == (y == 1)))}
    positive = y == 1
    pairs = int(positive.sum()) * int((~positive).sum())
    if pairs:
        ranks = _ranks(p)
        count = int(positive.sum())
        found["auc"] = (float(ranks[positive].sum()) - count * (count + 1) / 2) / pairs
    return found


def _ranks(values: Vector) -> Vector:
    """Ranks from 1; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)
