"""How much capacity a policy wants, from a metric's value.

Application Auto Scaling User Guide, "Target tracking scaling policies" and "Step scaling policies".
"""

from __future__ import annotations

import itertools
import math
from typing import Any

from local_aws.errors import validation

Step = dict[str, Any]


def tracked(capacity: int, value: float, target: float) -> int:
    """What brings the metric to its target, being in proportion to the load each unit has.

    Rounded up, so that neither too little is added nor too much removed. That AWS removes all at
    once, as it adds, and not in smaller steps, is not verified.
    """
    if capacity == 0:
        return 1 if value > target else 0
    return math.ceil(capacity * value / target - 1e-9)


def stepped(capacity: int, beyond: float, policy: dict[str, Any]) -> int | None:
    """What the step that `beyond` is in makes of the capacity; None when it is in no step.

    `beyond` is the metric's value minus the alarm's threshold.
    """
    step = next((s for s in policy["StepAdjustments"] if _holds(s, beyond)), None)
    if step is None:
        return None
    adjustment, kind = step["ScalingAdjustment"], policy["AdjustmentType"]
    if kind == "ExactCapacity":
        return int(adjustment)
    if kind == "ChangeInCapacity":
        return int(capacity + adjustment)
    change = _rounded(capacity * adjustment / 100)
    least = policy.get("MinAdjustmentMagnitude", 0)
    if adjustment and abs(change) < least:
        change = int(math.copysign(least, adjustment))
    return capacity + change


def _holds(step: Step, beyond: float) -> bool:
    """Above the threshold the lower bound is inclusive, below it the upper one."""
    lower = step.get("MetricIntervalLowerBound", -math.inf)
    upper = step.get("MetricIntervalUpperBound", math.inf)
    return bool(lower <= beyond < upper if beyond >= 0 else lower < beyond <= upper)


def _rounded(change: float) -> int:
    """Towards zero, but never to it."""
    if 0 < abs(change) < 1:
        return int(math.copysign(1, change))
    return math.trunc(change)


def check_steps(policy: dict[str, Any]) -> None:
    """Raise `ValidationException` unless the steps are adjacent and each has a bound."""
    steps = policy.get("StepAdjustments", [])
    if not steps or "AdjustmentType" not in policy:
        raise validation("A step scaling policy must have an AdjustmentType and StepAdjustments")
    bounds = sorted(
        (
            s.get("MetricIntervalLowerBound", -math.inf),
            s.get("MetricIntervalUpperBound", math.inf),
        )
        for s in steps
    )
    for lower, upper in bounds:
        if lower >= upper:
            raise validation(f"A step's upper bound, {upper}, must be above its lower one, {lower}")
        if lower == -math.inf and upper == math.inf:
            raise validation("A step adjustment must have a lower or an upper bound")
    for (_, upper), (lower, _) in itertools.pairwise(bounds):
        if upper != lower:
            fault = "overlap" if lower < upper else "leave a gap"
            raise validation(f"Step adjustments {fault} between {upper} and {lower}")
    lowest, highest = bounds[0][0], bounds[-1][1]
    if -math.inf < lowest < 0:
        raise validation("With a negative lower bound, one step must have no lower bound")
    if 0 < highest < math.inf:
        raise validation("With a positive upper bound, one step must have no upper bound")
    exact = policy["AdjustmentType"] == "ExactCapacity"
    if exact and any(s["ScalingAdjustment"] < 0 for s in steps):
        raise validation("An ExactCapacity must not be negative")
    if "MinAdjustmentMagnitude" in policy and policy["AdjustmentType"] != "PercentChangeInCapacity":
        raise validation("MinAdjustmentMagnitude is for PercentChangeInCapacity")
