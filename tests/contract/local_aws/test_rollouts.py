"""UpdateEndpoint under a DeploymentConfig: who gets the traffic when, and what is rolled back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import LocalAws, await_endpoint, make_config
from .traffic import Client

INSTANCES = 4


def policy(kind: str, wait: int, **more: Any) -> dict[str, Any]:
    sizes = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
    routing: dict[str, Any] = {"Type": kind, "WaitIntervalInSeconds": wait}
    if kind in sizes:
        routing[sizes[kind]] = {"Type": "CAPACITY_PERCENT", "Value": 25}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **more}}


def rolling(wait: int, **more: Any) -> dict[str, Any]:
    size = {"Type": "INSTANCE_COUNT", "Value": 1}
    return {
        "RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": wait, **more}
    }


@pytest.fixture
def endpoint(local_aws: LocalAws, sagemaker: Any, name: str) -> Iterator[str]:
    make_config(local_aws, name, InitialInstanceCount=INSTANCES)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    yield name
    await_endpoint(sagemaker, name)
    sagemaker.delete_endpoint(EndpointName=name)


@pytest.fixture
def alarm(local_aws: LocalAws, name: str) -> Iterator[str]:
    """An alarm on the endpoint's server errors."""
    cloudwatch = local_aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[
            {"Name": "EndpointName", "Value": name},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    yield name
    cloudwatch.delete_alarms(AlarmNames=[name])


def update(sagemaker: Any, endpoint: str, deployment: dict[str, Any], alarm: str = "") -> None:
    watched = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}} if alarm else {}
    sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=f"{endpoint}-v2",
        DeploymentConfig=deployment | watched,
    )


@pytest.mark.parametrize(
    "deployment",
    [
        policy("ALL_AT_ONCE", 0, TerminationWaitInSeconds=30),
        policy("CANARY", 30, TerminationWaitInSeconds=10),
        policy("LINEAR", 10),
        rolling(10),
    ],
    ids=["all-at-once", "canary", "linear", "rolling"],
)
def test_traffic_moves_to_the_new_model_without_a_failed_request(
    local_aws: LocalAws, sagemaker: Any, endpoint: str, deployment: dict[str, Any]
) -> None:
    make_config(local_aws, f"{endpoint}-v2", InitialInstanceCount=INSTANCES)
    with Client(local_aws, endpoint) as client:
        client.await_answers(10)
        update(sagemaker, endpoint, deployment)
        described = await_endpoint(sagemaker, endpoint)
        assert described["EndpointConfigName"] == f"{endpoint}-v2"
        assert described["LastDeploymentConfig"] == deployment
        assert described["ProductionVariants"][0]["CurrentInstanceCount"] == INSTANCES
        old = client.answers[f"{endpoint}:3.0"]
        client.await_answers(10)
    assert client.failures == []
    assert set(client.answers) == {f"{endpoint}:3.0", f"{endpoint}-v2:3.0"}
    assert client.answers[f"{endpoint}:3.0"] <= old + 1, "the old model answered after the update"


def test_a_bad_canary_is_seen_by_its_share_alone_and_rolled_back(
    local_aws: LocalAws, sagemaker: Any, endpoint: str, alarm: str
) -> None:
    make_config(local_aws, f"{endpoint}-v2", {"BROKEN": "1"}, InitialInstanceCount=INSTANCES)

    def pending() -> Any:
        summary = sagemaker.describe_endpoint(EndpointName=endpoint)
        summary = summary.get("PendingDeploymentSummary", {})
        shown = [v.get("VariantStatus", [{}])[0] for v in summary.get("ProductionVariants", [])]
        return [state.get("Status") for state in shown] == ["Baking"] and summary

    update(sagemaker, endpoint, policy("CANARY", 3600), alarm)
    assert await_true(pending, "the canary to bake")["EndpointConfigName"] == f"{endpoint}-v2"
    with Client(local_aws, endpoint) as client:
        described = await_endpoint(sagemaker, endpoint)
        failed, seen = len(client.failures), client.total
        client.await_answers(20)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == endpoint
    assert alarm in described["FailureReason"]
    assert "PendingDeploymentSummary" not in described
    assert 0 < failed <= math.ceil(seen / 4) + 1
    assert len(client.failures) <= failed + 1, "a request failed after the rollback"
    assert client.answers.total() == client.answers[f"{endpoint}:3.0"]


def test_a_rolling_update_is_rolled_back_in_batches(
    local_aws: LocalAws, sagemaker: Any, endpoint: str, alarm: str
) -> None:
    make_config(local_aws, f"{endpoint}-v2", {"BROKEN": "1"}, InitialInstanceCount=INSTANCES)
    with Client(local_aws, endpoint) as client:
        back = {"Type": "INSTANCE_COUNT", "Value": 2}
        update(sagemaker, endpoint, rolling(3600, RollbackMaximumBatchSize=back), alarm)
        described = await_endpoint(sagemaker, endpoint)
        failed = len(client.failures)
        client.await_answers(20)
    assert described["EndpointConfigName"] == endpoint
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == INSTANCES
    assert failed
    assert len(client.failures) <= failed + 1, "a request failed after the rollback"


def test_a_new_fleet_that_does_not_come_up_is_rolled_back(
    local_aws: LocalAws, sagemaker: Any, endpoint: str
) -> None:
    make_config(local_aws, f"{endpoint}-v2")
    rule = {"fault": "unhealthy-deployment", "endpoint": endpoint, "config": f"{endpoint}-v2"}
    assert local_aws.admin("POST", "faults", json.dumps(rule))[0] == 200
    with Client(local_aws, endpoint) as client:
        update(sagemaker, endpoint, policy("CANARY", 1))
        described = await_endpoint(sagemaker, endpoint)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == endpoint
    assert "ping health check" in described["FailureReason"]
    assert client.failures == []


def test_a_rollback_can_fail(local_aws: LocalAws, sagemaker: Any, endpoint: str) -> None:
    make_config(local_aws, f"{endpoint}-v2", {"FAIL": "1"})
    rule = {"fault": "unhealthy-deployment", "endpoint": endpoint, "config": endpoint, "count": 1}
    assert local_aws.admin("POST", "faults", json.dumps(rule))[0] == 200
    update(sagemaker, endpoint, policy("CANARY", 1))
    described = await_endpoint(sagemaker, endpoint)
    assert described["EndpointStatus"] == "UpdateRollbackFailed"
    make_config(local_aws, f"{endpoint}-v3")
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-v3")
    assert await_endpoint(sagemaker, endpoint)["EndpointStatus"] == "InService"


def test_a_deployment_that_takes_too_long_is_rolled_back(
    local_aws: LocalAws, sagemaker: Any, endpoint: str
) -> None:
    make_config(local_aws, f"{endpoint}-v2", {"SLOW_START": "6.5"})
    update(sagemaker, endpoint, policy("CANARY", 10, MaximumExecutionTimeoutInSeconds=600))
    described = await_endpoint(sagemaker, endpoint)
    assert described["EndpointConfigName"] == endpoint
    assert "MaximumExecutionTimeoutInSeconds" in described["FailureReason"]


SIZE = {"Type": "INSTANCE_COUNT", "Value": 3}
NOBODY = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "nobody"}]}}


REFUSED = [
    (policy("CANARY", 1) | rolling(1), "one of BlueGreenUpdatePolicy and RollingUpdatePolicy"),
    (
        policy("CANARY", 3600, MaximumExecutionTimeoutInSeconds=600),
        "larger than the total waiting time",
    ),
    (policy("CANARY", 1) | NOBODY, "alarms that do not exist: nobody"),
    (rolling(1, MaximumBatchSize=SIZE), "MaximumBatchSize must be between 5% and 50%"),
    (
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 1}
            }
        },
        "CanarySize goes with the type CANARY",
    ),
]


def test_what_a_deployment_may_not_be(local_aws: LocalAws, sagemaker: Any, endpoint: str) -> None:
    make_config(local_aws, f"{endpoint}-v2", InitialInstanceCount=INSTANCES)
    for deployment, message in REFUSED:
        with pytest.raises(ClientError, match=message):
            update(sagemaker, endpoint, deployment)


def test_capacities_can_be_retained(local_aws: LocalAws, sagemaker: Any, endpoint: str) -> None:
    make_config(local_aws, f"{endpoint}-v2")
    sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=f"{endpoint}-v2", RetainAllVariantProperties=True
    )
    (variant,) = await_endpoint(sagemaker, endpoint)["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == INSTANCES
