"""Policies acted on: an alarm's policy, cooldowns and bounds decide whether capacity changes.

Application Auto Scaling User Guide, "Target tracking scaling policies", "Step scaling policies" and
"Scaling activities".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local_aws.autoscaling import activities
from local_aws.autoscaling.arithmetic import stepped, tracked
from local_aws.autoscaling.capacity import Capacity
from local_aws.autoscaling.dimensions import DIMENSIONS, Dimension
from local_aws.autoscaling.records import POLICY, of_target, target_key
from local_aws.autoscaling.tracking import HIGH, LOW
from local_aws.cloudwatch.alarms import KIND as ALARM
from local_aws.cloudwatch.alarms import newest
from local_aws.errors import AwsError
from local_aws.sagemaker.registry import Call
from local_aws.store import Record

# Of SageMaker's variants and, as far as is known, of its other resources.
DEFAULT_COOLDOWN = 300
TRACKING, STEPS = "TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration"


@dataclass
class Occasion:
    """A policy told of its alarm: everything a decision needs. Times in seconds since 1970."""

    call: Call
    target: Record
    policy: Record
    alarm: Record
    value: float | None
    capacity: Capacity

    @property
    def dimension(self) -> Dimension:
        return DIMENSIONS[self.target["ScalableDimension"]]

    @property
    def cause(self) -> str:
        return (
            f"monitor alarm {self.alarm['AlarmName']} in state {self.alarm['StateValue']} "
            f"triggered policy {self.policy['PolicyName']}"
        )

    @property
    def now(self) -> float:
        return self.call.app.cloudwatch.clock.now()

    def cooldown_runs(self, direction: str) -> activities.Activity | None:
        """The policies' last change in a direction, while the cooldown after it lasts. A scale-in's
        ends with the next scale-out."""
        name = target_key(self.target)
        done = activities.last_done(self.call, name, direction)
        other = activities.last_done(self.call, name, "out")
        if done is None or (direction == "in" and other and other["StartTime"] > done["StartTime"]):
            return None
        seconds = self._cooldown(direction)
        ends = done.get("EndTime", self.now) + self.call.app.cloudwatch.clock.span(seconds)
        return done if self.now < ends else None

    def _cooldown(self, direction: str) -> int:
        if STEPS in self.policy:
            return int(self.policy[STEPS].get("Cooldown", DEFAULT_COOLDOWN))
        member = "ScaleOutCooldown" if direction == "out" else "ScaleInCooldown"
        return int(self.policy[TRACKING].get(member, DEFAULT_COOLDOWN))


def respond(occasion: Occasion) -> None:
    """Do what the policy says, when bounds, cooldowns and suspensions let it."""
    if TRACKING in occasion.policy:
        high = HIGH in occasion.alarm["AlarmName"]
        (_track_out if high else _track_in)(occasion)
    else:
        _step(occasion)


def _track_out(on: Occasion) -> None:
    if on.value is None:
        return
    target = on.policy[TRACKING]["TargetValue"]
    _out(on, tracked(_before(on), on.value, target))


def _before(on: Occasion) -> int:
    """What a larger scale-out during the cooldown is computed from: the capacity before the one
    that started it, which the metric may not show the effect of yet."""
    recent = on.cooldown_runs("out")
    return int(recent["_from"]) if recent else on.capacity.desired


def _track_in(on: Occasion) -> None:
    """Only when all target tracking policies are ready to, and then to the largest they want."""
    wanted = []
    for policy in of_target(on.call, POLICY, on.target):
        if TRACKING not in policy or policy[TRACKING].get("DisableScaleIn"):
            continue
        name = next((a["AlarmName"] for a in policy["Alarms"] if LOW in a["AlarmName"]), "")
        alarm = on.call.app.store.get(ALARM, on.call.region, name)
        if alarm is None or alarm["StateValue"] != "ALARM":
            return
        own = policy["PolicyName"] == on.policy["PolicyName"]
        value = on.value if own else newest(alarm.get("StateReasonData", ""))
        if value is None:
            return
        target = policy[TRACKING]["TargetValue"]
        wanted.append(tracked(on.capacity.desired, value, target))
    if wanted:
        _in(on, max(wanted))


def _step(on: Occasion) -> None:
    """An alarm that missing data made has no value: its threshold stands for it (not verified)."""
    threshold, config = on.alarm.get("Threshold", 0.0), on.policy[STEPS]
    beyond = (threshold if on.value is None else on.value) - threshold
    wanted = stepped(on.capacity.desired, beyond, config)
    if wanted is None:
        return
    if wanted > on.capacity.desired:
        larger = stepped(_before(on), beyond, config)
        _out(on, wanted if larger is None else larger)
    elif wanted < on.capacity.desired:
        _in(on, wanted)
    else:
        _refrain(on, wanted)


def _out(on: Occasion, wanted: int) -> None:
    within = fit(on.target, wanted)
    if within <= on.capacity.desired:
        if not on.cooldown_runs("out"):
            _refrain(on, wanted)
    elif not _suspended(on.target, "DynamicScalingOutSuspended"):
        act(on.call, on.target, on.capacity, within, on.cause, _direction="out")


def _in(on: Occasion, wanted: int) -> None:
    """A scale-in waits for the cooldown of a scale-out too: AWS says only that it anticipates
    flapping, not how."""
    within = fit(on.target, wanted)
    if within >= on.capacity.desired:
        _refrain(on, wanted)
        return
    waits = on.cooldown_runs("in") or on.cooldown_runs("out")
    if not waits and not _suspended(on.target, "DynamicScalingInSuspended"):
        act(on.call, on.target, on.capacity, within, on.cause, _direction="in")


def _suspended(target: Record, member: str) -> bool:
    return bool(target["SuspendedState"].get(member))


def fit(target: Record, capacity: int) -> int:
    """The capacity within the target's bounds."""
    return int(min(max(capacity, target["MinCapacity"]), target["MaxCapacity"]))


def _refrain(on: Occasion, wanted: int) -> None:
    """Keep why nothing was done, once for as long as that lasts."""
    reason: dict[str, Any] = {"Code": "AlreadyAtDesiredCapacity"}
    if wanted > on.target["MaxCapacity"]:
        reason = {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": on.target["MaxCapacity"]}
    elif wanted < on.target["MinCapacity"]:
        reason = {"Code": "AlreadyAtMinCapacity", "MinCapacity": on.target["MinCapacity"]}
    reason["CurrentCapacity"] = on.capacity.current
    known = activities.last(on.call, target_key(on.target))
    if known and known.get("NotScaledReasons") == [reason] and known["Cause"] == on.cause:
        return
    activities.add(
        on.call,
        on.target,
        {
            "Description": "Attempting to scale due to alarm triggered",
            "Cause": on.cause,
            "StartTime": on.now,
            "StatusCode": "Failed",
            "NotScaledReasons": [reason],
        },
    )


def act(
    call: Call, target: Record, capacity: Capacity, to: int, cause: str, **members: Any
) -> None:
    """Ask SageMaker for a capacity; `settle` finds out what became of it."""
    dimension = DIMENSIONS[target["ScalableDimension"]]
    started = call.app.cloudwatch.clock.now()
    activity = activities.add(
        call,
        target,
        {
            "Description": f"Setting desired {dimension.noun} to {to}.",
            "Cause": cause,
            "StartTime": started,
            "StatusCode": "InProgress",
            "StatusMessage": f"Successfully set desired {dimension.noun} to {to}. "
            "Waiting for change to be fulfilled by sagemaker.",
            "_from": capacity.desired,
            "_to": to,
            **members,
        },
    )
    try:
        dimension.write(call, dimension.parse(target["ResourceId"]), to)
    except AwsError as error:
        failed(call, activity, error.message)


def failed(call: Call, activity: activities.Activity, why: str) -> None:
    """End an activity that did not change the capacity; it starts no cooldown."""
    noun = DIMENSIONS[activity["ScalableDimension"]].noun
    activities.change(
        call,
        activity,
        StatusCode="Failed",
        StatusMessage=f"Failed to set desired {noun} to {activity['_to']}. {why}",
        EndTime=call.app.cloudwatch.clock.now(),
        _direction=None,
    )


def settle(call: Call, activity: activities.Activity) -> None:
    """End an activity in progress once SageMaker has done, or not done, what it was asked."""
    dimension = DIMENSIONS[activity["ScalableDimension"]]
    try:
        capacity = dimension.read(call, dimension.parse(activity["ResourceId"]))
    except AwsError as error:
        failed(call, activity, error.message)
        return
    to = activity["_to"]
    if not capacity.active or (capacity.desired == to and capacity.current != to):
        return
    if capacity.desired != to:
        failed(call, activity, f"It is {capacity.desired} now.")
        return
    activities.change(
        call,
        activity,
        StatusCode="Successful",
        StatusMessage=f"Successfully set desired {dimension.noun} to {to}. "
        "Change successfully fulfilled by sagemaker.",
        EndTime=call.app.cloudwatch.clock.now(),
    )
