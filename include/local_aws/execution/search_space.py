"""The hyperparameters that a tuning job varies: their ranges, and points in the unit cube."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

LINEAR, LOGARITHMIC, REVERSE = "Linear", "Logarithmic", "ReverseLogarithmic"

#: From which ratio of its ends on a range whose ScalingType is Auto is taken as logarithmic here.
AUTO_RATIO = 100.0


class BadRange(ValueError):
    """A range that AWS refuses, with its name, what was given and what is allowed."""


@dataclass(frozen=True)
class Dimension(ABC):
    """One hyperparameter; `unit` in [0, 1) stands for its values, as training jobs get them."""

    name: str

    @abstractmethod
    def value(self, unit: float) -> str: ...

    @abstractmethod
    def unit(self, value: str) -> float: ...


@dataclass(frozen=True)
class Categorical(Dimension):
    values: tuple[str, ...]

    def value(self, unit: float) -> str:
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def unit(self, value: str) -> float:
        return (self.values.index(value) + 0.5) / len(self.values)


@dataclass(frozen=True)
class Continuous(Dimension):
    low: float
    high: float
    scaling: str

    def value(self, unit: float) -> str:
        low, high = self._scaled(self.low), self._scaled(self.high)
        return repr(min(max(self._back(low + unit * (high - low)), self.low), self.high))

    def unit(self, value: str) -> float:
        low, high = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(float(value)) - low) / (high - low)

    def _scaled(self, value: float) -> float:
        if self.scaling == LOGARITHMIC:
            return math.log(value)
        return -math.log1p(-value) if self.scaling == REVERSE else value

    def _back(self, value: float) -> float:
        if self.scaling == LOGARITHMIC:
            return math.exp(value)
        return -math.expm1(-value) if self.scaling == REVERSE else value


@dataclass(frozen=True)
class Integer(Dimension):
    low: int
    high: int
    scaling: str

    def value(self, unit: float) -> str:
        return str(min(max(round(float(self._cells().value(unit))), self.low), self.high))

    def unit(self, value: str) -> float:
        return self._cells().unit(value)

    def _cells(self) -> Continuous:
        """The range with half a step at both ends, so that every number has its room."""
        return Continuous(self.name, self.low - 0.5, self.high + 0.5, self.scaling)


def dimensions(ranges: dict[str, Any]) -> list[Dimension]:
    """The dimensions of a request's ParameterRanges. Raises `BadRange`."""
    found: list[Dimension] = [
        *(_integer(each) for each in ranges.get("IntegerParameterRanges", [])),
        *(_continuous(each) for each in ranges.get("ContinuousParameterRanges", [])),
        *(_categorical(each) for each in ranges.get("CategoricalParameterRanges", [])),
    ]
    names = [dimension.name for dimension in found]
    if len(names) != len(set(names)):
        raise BadRange(f"a hyperparameter has one range, and there are several in {names}")
    if not found:
        raise BadRange("there is no range, and a tuning job needs at least one")
    return found


def _categorical(given: dict[str, Any]) -> Categorical:
    values = tuple(given["Values"])
    if len(values) != len(set(values)):
        raise BadRange(f"{given['Name']}: the values must differ, and {list(values)} do not")
    return Categorical(given["Name"], values)


def _integer(given: dict[str, Any]) -> Integer:
    low, high = _ends(given, int, "an integer")
    scaling = _scaling(given, low, high)
    if scaling == REVERSE:
        raise BadRange(f"{given['Name']}: {REVERSE} scaling is for continuous ranges only")
    return Integer(given["Name"], low, high, scaling)


def _continuous(given: dict[str, Any]) -> Continuous:
    low, high = _ends(given, float, "a number")
    scaling = _scaling(given, low, high)
    if scaling == REVERSE and not (low >= 0 and high < 1):
        raise BadRange(
            f"{given['Name']}: {REVERSE} scaling needs 0 <= MinValue and MaxValue < 1, and they are "
            f"{low} and {high}"
        )
    return Continuous(given["Name"], low, high, scaling)


def _ends(given: dict[str, Any], kind: Any, noun: str) -> tuple[Any, Any]:
    ends = []
    for member in ("MinValue", "MaxValue"):
        try:
            ends.append(kind(given[member]))
        except ValueError as error:
            text = f"{given['Name']}: {member} must be {noun}, not {given[member]!r}"
            raise BadRange(text) from error
    low, high = ends
    if not low < high or not math.isfinite(high - low):
        raise BadRange(f"{given['Name']}: MinValue {low} must be less than MaxValue {high}")
    return low, high


def _scaling(given: dict[str, Any], low: float, high: float) -> str:
    scaling: str = given.get("ScalingType", "Auto")
    if scaling == "Auto":
        return LOGARITHMIC if low > 0 and high / low >= AUTO_RATIO else LINEAR
    if scaling == LOGARITHMIC and low <= 0:
        raise BadRange(f"{given['Name']}: {LOGARITHMIC} scaling needs MinValue > 0, not {low}")
    return scaling
