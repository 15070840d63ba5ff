"""An endpoint's way to another configuration: traffic shifted in steps, alarms watched, rolled back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from local_aws.execution.model_server import ServerFailed

if TYPE_CHECKING:
    from local_aws.app import App
    from local_aws.execution.deployment import Deployment
    from local_aws.execution.fleet import Traffic

POLL = 0.05
DEFAULT_TIMEOUT = 28800.0


@dataclass(frozen=True)
class Plan:
    """A DeploymentConfig as steps.

    `shares` are the new fleet's shares of the traffic after each step, the last 1; `wait` and `bake`
    the seconds after a step and after the last one; `timeout` the seconds in all. `batches` are the
    instances that a rolling update replaces in each step, `back` how many come back at a time when it
    is undone. Seconds are AWS's.
    """

    shares: tuple[float, ...] = (1.0,)
    wait: float = 0.0
    bake: float = 0.0
    timeout: float = DEFAULT_TIMEOUT
    batches: tuple[int, ...] = ()
    back: int = 0
    alarms: tuple[str, ...] = ()


ALL_AT_ONCE = Plan()


def plan_of(config: dict[str, Any], variants: list[dict[str, Any]]) -> Plan:
    """The plan of a DeploymentConfig for production variants."""
    alarms = config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    names = tuple(alarm["AlarmName"] for alarm in alarms)
    total = max(1, sum(variant.get("InitialInstanceCount", 1) for variant in variants))
    if rolling := config.get("RollingUpdatePolicy"):
        batch = instances_of(rolling["MaximumBatchSize"], total)
        sizes = [batch] * (total // batch) + ([total % batch] if total % batch else [])
        back = rolling.get("RollbackMaximumBatchSize")
        return Plan(
            shares=tuple(sum(sizes[: n + 1]) / total for n in range(len(sizes))),
            wait=rolling["WaitIntervalInSeconds"],
            bake=rolling["WaitIntervalInSeconds"],
            timeout=rolling.get("MaximumExecutionTimeoutInSeconds", DEFAULT_TIMEOUT),
            batches=tuple(sizes),
            back=instances_of(back, total) if back else total,
            alarms=names,
        )
    policy = config.get("BlueGreenUpdatePolicy")
    if policy is None:
        return Plan(alarms=names)
    routing = policy["TrafficRoutingConfiguration"]
    shares: tuple[float, ...] = (1.0,)
    if routing["Type"] == "CANARY":
        shares = (share_of(routing["CanarySize"], total), 1.0)
    elif routing["Type"] == "LINEAR":
        step = share_of(routing["LinearStepSize"], total)
        steps = [step * n for n in range(1, int(1 / step) + 1) if step * n < 1]
        shares = (*steps, 1.0)
    return Plan(
        shares=shares,
        wait=routing["WaitIntervalInSeconds"],
        bake=policy.get("TerminationWaitInSeconds", 0),
        timeout=policy.get("MaximumExecutionTimeoutInSeconds", DEFAULT_TIMEOUT),
        alarms=names,
    )


def share_of(size: dict[str, Any], total: int) -> float:
    """The share of the traffic that a CapacitySize of `total` instances gets.

    CAPACITY_PERCENT is taken as it is, also where it is less than an instance: what AWS does with a
    single one is not documented.
    """
    if size["Type"] == "CAPACITY_PERCENT":
        return float(size["Value"]) / 100
    return min(1.0, float(size["Value"]) / total)


def instances_of(size: dict[str, Any], total: int) -> int:
    """How many of `total` instances a CapacitySize is, at least one."""
    if size["Type"] == "CAPACITY_PERCENT":
        return max(1, int(total * size["Value"] / 100))
    return max(1, min(total, int(size["Value"])))


class Journal(Protocol):
    """Who writes down how a deployment goes."""

    def stage(self, status: str, new: Deployment) -> None:
        """The new variants enter a VariantStatus: Creating, ActivatingTraffic, Baking."""

    def rolling_back(self, reason: str) -> None: ...

    def ended(self, problem: str | None, *, rollback_failed: bool = False) -> None:
        """It is through, or why the endpoint stays, or does not even stay, as it was."""


class Tripped(Exception):
    """The deployment is to be undone; the message says why."""


class RollbackFailed(ServerFailed):
    """The old fleet could not be brought back."""


class Rollout:
    """One deployment: `run` returns when all traffic is on the new fleet and it has been baked."""

    def __init__(
        self, app: App, traffic: Traffic, new: Deployment, plan: Plan, journal: Journal
    ) -> None:
        self._app, self._traffic, self._new = app, traffic, new
        self._old, self._plan, self._journal = traffic.serving, plan, journal
        self._rolling = bool(plan.batches) and self._old is not None
        self._before = sum(v.instances.count for v in self._old.everything) if self._old else 0
        self._deadline = time.monotonic() + self._local(plan.timeout)

    def _local(self, seconds: float) -> float:
        return self._app.config.simulation.wait(seconds)

    def run(self) -> None:
        """Raises `ServerFailed` after everything was rolled back, or `RollbackFailed`."""
        self._journal.stage("Creating", self._new)
        try:
            self._shift()
        except (Tripped, ServerFailed) as problem:
            try:
                if self._old and not self._traffic.cancelled.is_set():
                    self._journal.rolling_back(str(problem))
                    self._roll_back(self._old, str(problem))
            finally:
                self._traffic.share = 0.0
                self._new.stop()
            raise ServerFailed(str(problem)) from problem

    def _shift(self) -> None:
        plan = self._plan
        if not self._rolling:
            self._new.start()
        for number, share in enumerate(plan.shares):
            if self._rolling:
                self._new.check_health()
                self._new.scale(sum(plan.batches[: number + 1]))
            self._journal.stage("ActivatingTraffic", self._new)
            self._traffic.share = share
            self._journal.stage("Baking", self._new)
            self._watch(plan.wait if number + 1 < len(plan.shares) else plan.bake)
            if self._rolling and self._old:
                self._old.scale(round(self._before * (1 - share)))

    def _watch(self, seconds: float) -> None:
        """Let time pass. Raises `Tripped` when an alarm goes off or time is up."""
        until = time.monotonic() + self._local(seconds)
        while True:
            if self._traffic.cancelled.is_set():
                raise Tripped("The endpoint was deleted")
            if firing := [name for name in self._plan.alarms if self._fires(name)]:
                names = ", ".join(firing)
                raise Tripped(f"Rolled back: the alarm {names} is in ALARM state")
            if time.monotonic() > self._deadline:
                raise Tripped("The deployment exceeded MaximumExecutionTimeoutInSeconds")
            if time.monotonic() >= until:
                return
            self._traffic.cancelled.wait(POLL)

    def _fires(self, alarm: str) -> bool:
        return self._app.cloudwatch.state(alarm, self._new.site.region) == "ALARM"

    def _roll_back(self, old: Deployment, problem: str) -> None:
        """All traffic back to the old fleet. Raises `RollbackFailed`.

        A blue/green update has it running, so that only a fault that names the old configuration keeps
        it from serving; a rolling one has to start again what it replaced.
        """
        if not self._rolling:
            self._traffic.share = 0.0
        try:
            old.check_return()
            while self._rolling and (back := sum(v.instances.count for v in old.everything)) < (
                self._before
            ):
                back = min(self._before, back + self._plan.back)
                old.scale(back)
                self._traffic.share = 1 - back / self._before
        except ServerFailed as error:
            raise RollbackFailed(f"{problem}; the rollback failed: {error}") from error
