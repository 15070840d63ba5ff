"""What a metric's values were in some time: their statistic set and how they were spread."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from local_aws.errors import AwsError

# CloudWatch takes at most 150 distinct values in one datum; a bucket keeps as many exactly.
EXACT = 150
# Beyond that, values are kept in bins this much wider than the one before.
BIN = 1.01

SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


class Distribution:
    """Values with their counts. A statistic set that was put as such has no percentiles, unless all
    its values were equal (CloudWatch User Guide, "Percentiles")."""

    __slots__ = ("count", "least", "most", "total", "values")

    def __init__(
        self,
        count: float,
        total: float,
        least: float,
        most: float,
        values: dict[float, float] | None,
    ) -> None:
        self.count = count
        self.total = total
        self.least = least
        self.most = most
        self.values = values

    @classmethod
    def of(cls, value: float, count: float = 1.0) -> Distribution:
        return cls(count, value * count, value, value, {value: count})

    @classmethod
    def of_set(cls, count: float, total: float, least: float, most: float) -> Distribution:
        values = {least: count} if least == most else None
        return cls(count, total, least, most, values)

    @classmethod
    def merged(cls, parts: Iterable[Distribution]) -> Distribution:
        """One distribution of all the parts, of which there is at least one."""
        whole = cls(0.0, 0.0, math.inf, -math.inf, {})
        for part in parts:
            whole.add(part)
        return whole

    def add(self, other: Distribution) -> None:
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        if self.values is None or other.values is None:
            self.values = None
            return
        coarse = len(self.values) > EXACT
        for value, count in other.values.items():
            kept = _bin(value) if coarse else value
            self.values[kept] = self.values.get(kept, 0.0) + count
        if not coarse and len(self.values) > EXACT:
            exact, self.values = self.values, {}
            for value, count in exact.items():
                kept = _bin(value)
                self.values[kept] = self.values.get(kept, 0.0) + count

    def statistic(self, name: str) -> float | None:
        """The value of a statistic that `check_statistic` accepts; None when it is not known."""
        if name == "Average":
            return self.total / self.count if self.count else None
        if name in _MEMBERS:
            value: float = getattr(self, _MEMBERS[name])
            return value
        return self._percentile(float(name[1:]))

    def _percentile(self, percent: float) -> float | None:
        """The smallest value that at least `percent` of the values do not exceed."""
        if self.values is None or not self.count:
            return None
        wanted, seen = self.count * percent / 100, 0.0
        for value in sorted(self.values):
            seen += self.values[value]
            if seen >= wanted - 1e-9:
                return min(max(value, self.least), self.most)
        return self.most

    def to_json(self) -> list[Any]:
        values = None if self.values is None else list(self.values.items())
        return [self.count, self.total, self.least, self.most, values]

    @classmethod
    def from_json(cls, data: list[Any]) -> Distribution:
        count, total, least, most, values = data
        return cls(count, total, least, most, None if values is None else dict(values))


_MEMBERS = {"SampleCount": "count", "Sum": "total", "Minimum": "least", "Maximum": "most"}


def _bin(value: float) -> float:
    """The middle of a value's bin."""
    if not value:
        return value
    return math.copysign(BIN ** round(math.log(abs(value), BIN)), value)


def is_statistic(name: str) -> bool:
    return name in SIMPLE or bool(_PERCENTILE.fullmatch(name))


def check_statistic(name: str) -> None:
    """Raise `InvalidParameterValueException` unless it is one of `SIMPLE` or pNN.NN."""
    if not is_statistic(name):
        raise AwsError(
            "InvalidParameterValueException",
            f"The statistic {name!r} is not one that the local AWS computes: "
            f"{', '.join(SIMPLE)}, and percentiles from p0 to p100 such as p99.9",
        )
