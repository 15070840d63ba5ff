"""Numbers, time series and arrays of series, and the operators on them.

A series is {start of period: value}. An operator on two series, or on a series and a number, has a
value where both have one, and none where it has no finite result, such as a division by zero.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Points = dict[float, float]
Value = float | Points | list[Points]


@dataclass(frozen=True)
class Grid:
    """The starts of all periods of the window, and AWS's length of one in seconds."""

    times: Sequence[float]
    period: float


def _comparison(compare: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda a, b: float(compare(a, b))


OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    ">": _comparison(operator.gt),
    ">=": _comparison(operator.ge),
    "<": _comparison(operator.lt),
    "<=": _comparison(operator.le),
    "==": _comparison(operator.eq),
    "!=": _comparison(operator.ne),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}


class Mismatch(Exception):
    """An array where none can be."""


def combine(sign: str, left: Value, right: Value) -> Value:
    """Raises `Mismatch` for two arrays, which no operator combines."""
    if isinstance(left, list) and isinstance(right, list):
        raise Mismatch(f"{sign} cannot combine two arrays")
    if isinstance(left, list) and not isinstance(right, list):
        return [_combined(sign, item, right) for item in left]
    if isinstance(right, list) and not isinstance(left, list):
        return [_combined(sign, left, item) for item in right]
    assert not isinstance(left, list)
    assert not isinstance(right, list)
    if isinstance(left, dict) or isinstance(right, dict):
        return _combined(sign, left, right)
    result = safely(OPERATORS[sign], left, right)
    return {} if result is None else result


def _combined(sign: str, left: float | Points, right: float | Points) -> Points:
    times = sorted({t for side in (left, right) if isinstance(side, dict) for t in side})
    found = {}
    for time in times:
        a, b = at(left, time), at(right, time)
        value = None if a is None or b is None else safely(OPERATORS[sign], a, b)
        if value is not None:
            found[time] = value
    return found


def at(side: Value, time: float) -> float | None:
    """A series' value at a time, or the number, which is the same at all times.

    Raises `Mismatch` for an array.
    """
    if isinstance(side, list):
        raise Mismatch("an array stands where one series is expected")
    return side.get(time) if isinstance(side, dict) else side


def safely(apply: Callable[..., float], *values: float) -> float | None:
    """None where there is no finite result."""
    try:
        result = apply(*values)
    except (ArithmeticError, ValueError):
        return None
    return result if isinstance(result, float | int) and math.isfinite(result) else None
