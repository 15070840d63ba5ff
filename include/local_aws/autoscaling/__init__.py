"""Application Auto Scaling: SageMaker's variants and inference components, scaled by their metrics.

Every duration (alarms' periods, cooldowns, rates of schedules) is shortened by the local clock.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from local_aws.autoscaling import activities, records, scaler, schedule, tracking
from local_aws.autoscaling.dimensions import DIMENSIONS
from local_aws.errors import AwsError, validation
from local_aws.sagemaker.registry import Call
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

log = logging.getLogger(__name__)

__all__ = ["AutoScaling"]


class AutoScaling:
    """What the rest of the local AWS has of it: alarms tell it, and SageMaker asks what it scales."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._ticking = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="autoscaling", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()

    def alarm(self, region: str, policy_arn: str, alarm: Record, value: float | None) -> None:
        """Let a policy respond to its alarm, whose newest data point is `value`.

        Does nothing while a change is under way: the alarm asks again. Raises
        `ObjectNotFoundException` when there is no such policy.
        """
        call = Call(self._app, region)
        policy = records.policy_of(call, policy_arn)
        with self._lock:
            target = records.find_target(call, policy)
            dimension = DIMENSIONS[target["ScalableDimension"]]
            last = activities.last(call, records.target_key(target))
            capacity = dimension.read(call, dimension.parse(target["ResourceId"]))
            if capacity.active and not (last and last["StatusCode"] == "InProgress"):
                scaler.respond(scaler.Occasion(call, target, policy, alarm, value, capacity))

    def registered(self, region: str, endpoint: str) -> list[str]:
        """Names of the endpoint's variants that are scalable targets."""
        return [
            names["variant"]
            for _, names in self._parsed(region)
            if names.get("endpoint") == endpoint
        ]

    def check_update(
        self, region: str, endpoint: str, serving: Record | None, wanted: Record
    ) -> None:
        """Raise `ValidationException` when an update from one endpoint configuration to another
        drops a variant that is a scalable target, or changes its instance type (developer guide,
        "Update endpoints that use automatic scaling")."""
        if serving is None:
            return
        was, becomes = (
            {v["VariantName"]: v.get("InstanceType") for v in c["ProductionVariants"]}
            for c in (serving, wanted)
        )
        changed = [
            name
            for name in self.registered(region, endpoint)
            if name not in becomes or becomes[name] != was.get(name)
        ]
        if changed:
            raise validation(
                f'The variant(s) "[{", ".join(changed)}]" must be deregistered as scalable targets '
                "with AWS Auto Scaling before they can be removed or have their instance type "
                "updated."
            )

    def deregister(self, region: str, **names: str) -> None:
        """Forget the targets of an endpoint or inference component that is deleted, as AWS does:
        `deregister(region, endpoint=...)` or `deregister(region, component=...)`."""
        call = Call(self._app, region)
        for target, found in self._parsed(region):
            if names.items() <= found.items():
                self.forget(call, target)

    def _parsed(self, region: str) -> list[tuple[Record, dict[str, str]]]:
        targets = self._app.store.all(records.TARGET, region)
        return [(t, DIMENSIONS[t["ScalableDimension"]].parse(t["ResourceId"])) for t in targets]

    def forget(self, call: Call, target: Record) -> None:
        """Delete a target with its policies, their alarms, and its scheduled actions."""
        store = call.app.store
        for policy in records.of_target(call, records.POLICY, target):
            tracking.delete_alarms(call, policy)
            store.delete(records.POLICY, call.region, records.policy_key(policy))
        for action in records.of_target(call, records.ACTION, target):
            store.delete(records.ACTION, call.region, records.action_key(action))
        store.delete(records.TARGET, call.region, records.target_key(target))

    def fit(self, call: Call, target: Record, cause: str) -> bool:
        """Bring the capacity within the target's bounds; False when the resource is not active."""
        dimension = DIMENSIONS[target["ScalableDimension"]]
        with self._lock:
            capacity = dimension.read(call, dimension.parse(target["ResourceId"]))
            wanted = scaler.fit(target, capacity.desired)
            if capacity.active and wanted != capacity.desired:
                scaler.act(call, target, capacity, wanted, cause)
            return capacity.active

    def tick(self) -> None:
        """End activities that are done and run the scheduled actions that are due."""
        with self._ticking:
            self._tick()

    def _tick(self) -> None:
        store = self._app.store
        for region, _, record in store.every(activities.KIND):
            for activity in record["activities"]:
                if activity["StatusCode"] == "InProgress":
                    with self._lock:
                        scaler.settle(Call(self._app, region), activity)
        now = self._app.cloudwatch.clock.now()
        for region, _, action in store.every(records.ACTION):
            if action["_next"] is not None and action["_next"] <= now:
                self._run_action(Call(self._app, region), action, now)
        for region, _, target in store.every(records.TARGET):
            if "_unfit" in target:
                self._fit_later(Call(self._app, region), target, target["_unfit"])

    def _run_action(self, call: Call, action: Record, now: float) -> None:
        target = records.find_target(call, action)
        name = action["ScheduledActionName"]
        if not target["SuspendedState"].get("ScheduledScalingSuspended"):
            bounds = action.get("ScalableTargetAction", {})
            key = records.target_key(target)
            target = call.app.store.update(
                records.TARGET, call.region, key, lambda record: record.update(bounds)
            )
            least, most = target["MinCapacity"], target["MaxCapacity"]
            cause = f"scheduled action name {name} was triggered"
            activities.add(
                call,
                target,
                {
                    "Description": f"Setting min capacity to {least} and max capacity to {most}",
                    "Cause": cause,
                    "StartTime": now,
                    "EndTime": now,
                    "StatusCode": "Successful",
                    "StatusMessage": f"Successfully set min capacity to {least} and max capacity "
                    f"to {most}",
                },
            )
            self._fit_later(call, target, cause)
        later = next_time(action, now, self._app.cloudwatch.clock.scale)
        key = records.action_key(action)
        call.app.store.update(
            records.ACTION, call.region, key, lambda record: record.update(_next=later)
        )

    def _fit_later(self, call: Call, target: Record, cause: str) -> None:
        """Fit the capacity now, or when the resource is active again."""
        try:
            fits = self.fit(call, target, cause)
        except AwsError as error:
            log.warning("%s: %s", cause, error.message)
            fits = True

        def change(record: Record) -> None:
            record.pop("_unfit", None)
            if not fits:
                record["_unfit"] = cause

        if not fits or "_unfit" in target:
            key = records.target_key(target)
            call.app.store.update(records.TARGET, call.region, key, change)

    def _run(self) -> None:
        pause = min(max(self._app.cloudwatch.clock.span(2), 0.05), 1.0)
        while not self._stop.wait(pause):
            try:
                self.tick()
            except Exception:
                log.exception("Scaling activities could not be looked after")


def next_time(action: Record, after: float, scale: float) -> float | None:
    """When a scheduled action runs next: at its StartTime, then by its schedule, until EndTime."""
    start = action.get("StartTime")
    times = schedule.read(
        action["Schedule"], action.get("Timezone"), start or action["CreationTime"], scale
    )
    moment = start if start and start > after else times(after)
    if moment is None or ("EndTime" in action and moment > action["EndTime"]):
        return None
    return float(moment)
