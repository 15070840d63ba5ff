"""Instance pools: the first instance type that has capacity."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import LocalAws, await_endpoint, make_config


@pytest.fixture
def no_capacity(local_aws: LocalAws, name: str) -> Iterator[Callable[[str], Callable[[], None]]]:
    """Takes the capacity of an instance type away from the endpoint; what it returns gives it back."""
    rules: list[int] = []

    def take(instance: str) -> Callable[[], None]:
        rule = {"fault": "no-capacity", "job": name, "instance": instance}
        status, body = local_aws.admin("POST", "faults", json.dumps(rule))
        assert status == 200, body
        rules.append(json.loads(body)["rules"][0]["id"])
        return lambda: give_back(rules.pop())

    def give_back(rule: int) -> None:
        local_aws.admin("DELETE", f"faults/{rule}")

    yield take
    for rule in rules:
        give_back(rule)


def make_pools(local_aws: LocalAws, name: str) -> None:
    sagemaker = local_aws.client("sagemaker")
    make_config(local_aws, f"{name}-c5")
    make_config(local_aws, f"{name}-m5")
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"{name}-c5",
        "InitialInstanceCount": 1,
        "VariantInstanceProvisionTimeoutInSeconds": 300,
        "InstancePools": [
            {"InstanceType": "ml.m5.large", "Priority": 2, "ModelNameOverride": f"{name}-m5"},
            {"InstanceType": "ml.c5.large", "Priority": 1},
        ],
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def test_the_next_pool_is_taken_where_the_first_has_no_capacity(
    local_aws: LocalAws, sagemaker: Any, name: str, no_capacity: Any
) -> None:
    give_back = no_capacity("ml.c5.large")
    make_pools(local_aws, name)
    (variant,) = await_endpoint(sagemaker, name)["ProductionVariants"]
    assert {p["InstanceType"]: p["CurrentInstanceCount"] for p in variant["InstancePools"]} == {
        "ml.c5.large": 0,
        "ml.m5.large": 1,
    }
    runtime = local_aws.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=name, Body="1,2", ContentType="text/csv")
    assert answer["Body"].read().decode() == f"{name}-m5:3.0"

    give_back()
    wanted = {"VariantName": "AllTraffic", "DesiredInstanceCount": 2}
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[wanted]
    )
    (variant,) = await_endpoint(sagemaker, name)["ProductionVariants"]
    assert {p["CurrentInstanceCount"] for p in variant["InstancePools"]} == {1}
    sagemaker.delete_endpoint(EndpointName=name)


def test_no_pool_with_capacity_fails_with_aws_s_reason(
    local_aws: LocalAws, sagemaker: Any, name: str, no_capacity: Any
) -> None:
    no_capacity("ml.*.large")
    make_pools(local_aws, name)
    described = await_endpoint(sagemaker, name)
    assert described["EndpointStatus"] == "Failed"
    assert "InsufficientInstanceCapacity" in described["FailureReason"]
    sagemaker.delete_endpoint(EndpointName=name)
