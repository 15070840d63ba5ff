"""From data points to an alarm's state, missing data included.

CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data"; its tables are this
module's tests.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

# CloudWatch looks further back than EvaluationPeriods, for data to use in place of missing data.
# How far "depends on the length of the alarm period"; its examples have 5 for 3.
EXTRA = 2

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}

TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")


@dataclass(frozen=True)
class Rule:
    """M (`datapoints`) out of N (`periods`), and what becomes of missing data points."""

    periods: int
    datapoints: int
    missing: str = "missing"

    @property
    def range(self) -> int:
        """How many periods are looked at."""
        return self.periods + EXTRA


def judge(points: Sequence[bool | None], rule: Rule, current: str) -> str:
    """The new state. `points`, oldest first, say of each period in `rule.range` whether it is
    breaching; None is missing.

    With treatment `missing`, and fewer data points than needed, all of them breaching but not long
    enough, the current state stays: AWS says only that it does not become ALARM.
    """
    recent = points[-rule.periods :]
    real = [p for p in points if p is not None]
    if None not in recent:
        real = [p for p in recent if p is not None]
    if len(real) >= rule.periods:
        return ALARM if sum(real[-rule.periods :]) >= rule.datapoints else OK
    if not real and rule.missing in ("missing", "ignore"):
        return INSUFFICIENT_DATA if rule.missing == "missing" else current
    breaching, filled = sum(real), rule.periods - len(real)
    if rule.missing == "breaching":
        breaching += filled
    if breaching >= rule.datapoints:
        return ALARM
    if rule.missing in ("breaching", "notBreaching") or not all(real):
        return OK
    if rule.missing == "missing" and _contradicted_by_nothing(recent, rule):
        return ALARM
    return current


def _contradicted_by_nothing(recent: Sequence[bool | None], rule: Rule) -> bool:
    """Whether the oldest data point, all being breaching, is `rule.datapoints` periods old."""
    ages = [len(recent) - index for index, point in enumerate(recent) if point]
    return bool(ages) and ages[0] >= rule.datapoints
