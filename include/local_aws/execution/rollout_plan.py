"""A DeploymentConfig as steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
