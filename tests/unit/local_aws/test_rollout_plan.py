"""A DeploymentConfig as steps."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.execution.rollout_plan import plan_of


def variants(count: int) -> list[dict[str, Any]]:
    return [{"InitialInstanceCount": count}]


def blue_green(kind: str, **size: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": 60, **size}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": 300,
            "MaximumExecutionTimeoutInSeconds": 1800,
        }
    }


def size(kind: str, value: int) -> dict[str, Any]:
    return {"Type": kind, "Value": value}


@pytest.mark.parametrize(
    ("config", "instances", "shares"),
    [
        ({}, 4, (1.0,)),
        (blue_green("ALL_AT_ONCE"), 4, (1.0,)),
        (blue_green("CANARY", CanarySize=size("CAPACITY_PERCENT", 10)), 4, (0.1, 1.0)),
        (blue_green("CANARY", CanarySize=size("INSTANCE_COUNT", 1)), 4, (0.25, 1.0)),
        (
            blue_green("LINEAR", LinearStepSize=size("CAPACITY_PERCENT", 33)),
            3,
            (0.33, 0.66, 0.99, 1.0),
        ),
        (blue_green("LINEAR", LinearStepSize=size("INSTANCE_COUNT", 1)), 2, (0.5, 1.0)),
    ],
)
def test_shares_of_the_traffic(
    config: dict[str, Any], instances: int, shares: tuple[float, ...]
) -> None:
    assert plan_of(config, variants(instances)).shares == pytest.approx(shares)


def test_waits() -> None:
    plan = plan_of(blue_green("ALL_AT_ONCE"), variants(1))
    assert (plan.wait, plan.bake, plan.timeout) == (60, 300, 1800)


@pytest.mark.parametrize(
    ("batch", "instances", "batches"),
    [
        (size("INSTANCE_COUNT", 2), 5, (2, 2, 1)),
        (size("CAPACITY_PERCENT", 50), 4, (2, 2)),
        (size("CAPACITY_PERCENT", 5), 3, (1, 1, 1)),
    ],
)
def test_batches_of_a_rolling_update(
    batch: dict[str, Any], instances: int, batches: tuple[int, ...]
) -> None:
    config = {"RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": 5}}
    plan = plan_of(config, variants(instances))
    assert plan.batches == batches
    assert plan.shares[-1] == 1
    assert plan.back == instances


def test_alarms() -> None:
    config = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}}
    assert plan_of(config, variants(1)).alarms == ("a", "b")
