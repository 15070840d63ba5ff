"""What one pass over a numeric column leaves, and the shapes in which Model Monitor holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from container.kll import Sketch

BUCKETS = 10
INTEGRAL = ("integer", "boolean", "date")

Vector: TypeAlias = npt.NDArray[np.float64]


class Moments:
    """Count, missing values, mean, sum, range and squared deviations of a stream."""

    def __init__(self) -> None:
        self.present = self.missing = 0
        self.mean = self.squares = self.total = 0.0
        self.low, self.high = math.inf, -math.inf

    def add(self, column: Vector) -> Vector:
        """Take values in, NaN for missing; returns those that are present. Mean and squared
        deviations are merged as Chan et al. (1979) do."""
        values: Vector = column[~np.isnan(column)]
        self.missing += len(column) - len(values)
        if not len(values):
            return values
        mean, before, count = float(values.mean()), self.present, len(values)
        delta = mean - self.mean
        self.present += count
        self.mean += delta * count / self.present
        self.squares += (
            float(((values - mean) ** 2).sum()) + delta**2 * before * count / self.present
        )
        self.total += float(values.sum())
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
        return values

    @property
    def std(self) -> float:
        """The standard deviation of the whole; 0.0 of nothing."""
        return math.sqrt(self.squares / self.present) if self.present else 0.0

    @property
    def edges(self) -> Vector:
        """Bounds of the buckets; a constant column gets buckets of no width but the last."""
        return np.linspace(self.low, self.high, BUCKETS + 1)


def inferred_type(kind: str) -> str:
    """Model Monitor's word for a column type of model.yaml."""
    if kind == "category":
        return "String"
    return "Integral" if kind in INTEGRAL else "Fractional"


def numeric_statistics(
    moments: Moments, counts: Sequence[int], sketch: Sketch | None
) -> dict[str, Any]:
    """``numerical_statistics`` of a feature; ``counts`` are those of the buckets."""
    common = {"num_present": moments.present, "num_missing": moments.missing}
    if not moments.present or sketch is None:
        return {"numerical_statistics": {"common": common}}
    bounds = moments.edges.tolist()
    buckets = [
        {"lower_bound": low, "upper_bound": high, "count": count}
        for low, high, count in zip(bounds[:-1], bounds[1:], counts, strict=True)
    ]
    numbers = {
        "common": common,
        "mean": moments.mean,
        "sum": moments.total,
        "std_dev": moments.std,
        "min": float(moments.low),
        "max": float(moments.high),
        "distribution": {"kll": {"buckets": buckets, "sketch": sketch.document()}},
    }
    return {"numerical_statistics": numbers}


def string_statistics(counts: Mapping[str, int], missing: int) -> dict[str, Any]:
    """``string_statistics`` of a feature, the most frequent value first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    buckets = [{"value": value, "count": count} for value, count in ordered]
    return {
        "string_statistics": {
            "common": {"num_present": sum(counts.values()), "num_missing": missing},
            "distinct_count": float(len(buckets)),
            "distribution": {"categorical": {"buckets": buckets}},
        }
    }
