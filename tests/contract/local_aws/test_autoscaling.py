"""Endpoints that scale by the requests they get, from plain boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import LocalAws, await_endpoint, make_config
from .test_inference_components import create, gone, make_host, settled

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
# Requests a minute that one instance is to have.
TARGET = 10
MOST = 3


@dataclass
class Endpoint:
    """An endpoint with a scalable variant, and its account."""

    aws: LocalAws
    name: str

    @property
    def identity(self) -> dict[str, str]:
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{self.name}/variant/AllTraffic",
            "ScalableDimension": DIMENSION,
        }

    @property
    def scaling(self) -> Any:
        return self.aws.client("application-autoscaling")

    def count(self) -> int:
        """Instances, once no change is under way."""
        (variant,) = await_endpoint(self.aws.client("sagemaker"), self.name)["ProductionVariants"]
        found: int = variant["CurrentInstanceCount"]
        return found

    def minute(self, requests: int) -> None:
        """A minute of AWS's time with so many requests."""
        runtime = self.aws.client("sagemaker-runtime")
        for _ in range(requests):
            runtime.invoke_endpoint(EndpointName=self.name, Body="1,2", ContentType="text/csv")
        self.minutes(1)

    def minutes(self, count: int) -> None:
        """So many minutes of AWS's time."""
        status, body = self.aws.admin("POST", "clock", json.dumps({"Seconds": 60 * count}))
        assert status == 200, body

    def minutes_until(self, instances: int, requests: int) -> int:
        """How many minutes with so many requests each it takes to have so many instances."""
        for number in range(1, 60):
            self.minute(requests)
            if self.count() == instances:
                return number
        pytest.fail(f"{self.count()} instances, not {instances}, after an hour")

    def track(self, **config: Any) -> dict[str, Any]:
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        config = {"PredefinedMetricSpecification": metric, "TargetValue": TARGET, **config}
        policy: dict[str, Any] = self.scaling.put_scaling_policy(
            **self.identity,
            PolicyName="track",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=config,
        )
        return policy

    def activities(self) -> list[dict[str, Any]]:
        asked = {k: v for k, v in self.identity.items() if k != "ScalableDimension"}
        found = self.scaling.describe_scaling_activities(**asked)["ScalingActivities"]
        return list(reversed(found))


@pytest.fixture(scope="module")
def aws(unhurried: LocalAws) -> LocalAws:
    return unhurried


@pytest.fixture
def endpoint(aws: LocalAws, name: str) -> Iterator[Endpoint]:
    sagemaker = aws.client("sagemaker")
    make_config(aws, name)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    made = Endpoint(aws, name)
    made.scaling.register_scalable_target(**made.identity, MinCapacity=1, MaxCapacity=MOST)
    yield made
    if name in [e["EndpointName"] for e in sagemaker.list_endpoints()["Endpoints"]]:
        await_endpoint(sagemaker, name)
        sagemaker.delete_endpoint(EndpointName=name)


def test_a_load_ramp_scales_out_fast_and_in_slowly(endpoint: Endpoint) -> None:
    alarms = endpoint.track(ScaleOutCooldown=0, ScaleInCooldown=600)["Alarms"]
    assert [a["AlarmName"].split("AllTraffic-")[1][:8] for a in alarms] == ["AlarmHig", "AlarmLow"]
    endpoint.minute(TARGET // 2)
    assert endpoint.count() == 1
    assert endpoint.minutes_until(MOST, TARGET * MOST) <= 6
    assert endpoint.minutes_until(1, TARGET // 2) >= 14

    def ended() -> list[dict[str, Any]] | None:
        found = endpoint.activities()
        return found if all("EndTime" in a for a in found) else None

    done = await_true(ended, "the last activity to end")
    assert {a["StatusCode"] for a in done} == {"Successful"}
    counts = [int(a["Description"].rstrip(".").rpartition(" ")[2]) for a in done]
    assert (max(counts), counts[-1]) == (MOST, 1)
    assert "in state ALARM triggered policy track" in done[0]["Cause"]


def test_bounds_and_schedules_move_the_count_without_traffic(endpoint: Endpoint) -> None:
    endpoint.scaling.register_scalable_target(**endpoint.identity, MinCapacity=2)
    assert endpoint.count() == 2
    endpoint.scaling.put_scheduled_action(
        **endpoint.identity,
        ScheduledActionName="night",
        Schedule="rate(30 minutes)",
        ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 1},
    )
    endpoint.minutes(32)
    assert endpoint.count() == 1
    (action,) = endpoint.scaling.describe_scheduled_actions(
        ServiceNamespace="sagemaker", ScheduledActionNames=["night"]
    )["ScheduledActions"]
    assert action["Schedule"] == "rate(30 minutes)"


def test_a_scalable_variant_keeps_its_type_until_it_is_deregistered(endpoint: Endpoint) -> None:
    sagemaker = endpoint.aws.client("sagemaker")
    endpoint.track()
    other = f"{endpoint.name}-other"
    make_config(endpoint.aws, other, InstanceType="ml.m5.xlarge")
    asked = {"EndpointName": endpoint.name, "EndpointConfigName": other}
    with pytest.raises(ClientError, match="must be deregistered as scalable targets"):
        sagemaker.update_endpoint(**asked)
    endpoint.scaling.deregister_scalable_target(**endpoint.identity)
    sagemaker.update_endpoint(**asked)
    assert await_endpoint(sagemaker, endpoint.name)["EndpointConfigName"] == other


def test_a_deleted_endpoint_leaves_no_target_policy_or_alarm(endpoint: Endpoint) -> None:
    endpoint.track()
    endpoint.aws.client("sagemaker").delete_endpoint(EndpointName=endpoint.name)
    asked = {"ServiceNamespace": "sagemaker"}
    targets = endpoint.scaling.describe_scalable_targets(**asked)["ScalableTargets"]
    policies = endpoint.scaling.describe_scaling_policies(**asked)["ScalingPolicies"]
    assert [r for r in targets + policies if endpoint.name in r["ResourceId"]] == []
    prefix = f"TargetTracking-endpoint/{endpoint.name}"
    cloudwatch = endpoint.aws.client("cloudwatch")
    assert cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"] == []


def test_targets_policies_and_tags_are_described_in_pages(endpoint: Endpoint) -> None:
    scaling = endpoint.scaling
    for number in range(3):
        scaling.put_scaling_policy(
            **endpoint.identity,
            PolicyName=f"step-{number}",
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration={
                "AdjustmentType": "ExactCapacity",
                "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            },
        )
    pages = scaling.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker",
        ResourceId=endpoint.identity["ResourceId"],
        PaginationConfig={"PageSize": 2},
    )
    names = [p["PolicyName"] for page in pages for p in page["ScalingPolicies"]]
    assert names == ["step-0", "step-1", "step-2"]
    (target,) = scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[endpoint.identity["ResourceId"]]
    )["ScalableTargets"]
    assert target["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
    arn = target["ScalableTargetARN"]
    scaling.tag_resource(ResourceARN=arn, Tags={"team": "shop", "stage": "a"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["stage"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "shop"}


def test_what_is_not_sagemaker_s_or_not_there_is_refused(endpoint: Endpoint) -> None:
    scaling = endpoint.scaling
    for change, code in (
        ({"ServiceNamespace": "ecs"}, "ValidationException"),
        ({"ResourceId": "endpoint/none/variant/AllTraffic"}, "ValidationException"),
        ({"MinCapacity": 0}, "ValidationException"),
        ({"MinCapacity": 9}, "ValidationException"),
    ):
        bounds = {"MinCapacity": 1, "MaxCapacity": 2}
        with pytest.raises(ClientError, match=code):
            scaling.register_scalable_target(**{**endpoint.identity, **bounds, **change})
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        scaling.delete_scaling_policy(**endpoint.identity, PolicyName="none")


def test_tagged_targets_and_alarms_are_found_by_type(endpoint: Endpoint) -> None:
    tags = {"owner": endpoint.name}
    endpoint.scaling.register_scalable_target(**endpoint.identity)
    asked = {"ServiceNamespace": "sagemaker", "ResourceIds": [endpoint.identity["ResourceId"]]}
    (target,) = endpoint.scaling.describe_scalable_targets(**asked)["ScalableTargets"]
    endpoint.scaling.tag_resource(ResourceARN=target["ScalableTargetARN"], Tags=tags)
    endpoint.aws.client("cloudwatch").put_metric_alarm(
        AlarmName=endpoint.name,
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[{"Key": "owner", "Value": endpoint.name}],
    )
    tagging = endpoint.aws.client("resourcegroupstaggingapi")
    for types, services in (
        (["cloudwatch:alarm"], ["cloudwatch"]),
        (["application-autoscaling"], ["application-autoscaling"]),
        (["sagemaker"], []),
        ([], ["application-autoscaling", "cloudwatch"]),
    ):
        found = tagging.get_resources(
            ResourceTypeFilters=types, TagFilters=[{"Key": "owner", "Values": [endpoint.name]}]
        )["ResourceTagMappingList"]
        assert sorted(r["ResourceARN"].split(":")[2] for r in found) == services


def test_copies_scale_to_zero_and_wake_when_a_request_finds_none(aws: LocalAws, name: str) -> None:
    """The policy, alarm and metric of the developer guide's "Scale an endpoint to zero instances"."""
    sagemaker, scaling = aws.client("sagemaker"), aws.client("application-autoscaling")
    make_host(aws, name)
    component = create(sagemaker, name, "a")
    identity = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"inference-component/{component}",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
    }
    scaling.register_scalable_target(**identity, MinCapacity=0, MaxCapacity=0)

    def copies() -> int:
        found: int = settled(sagemaker, component)["RuntimeConfig"]["CurrentCopyCount"]
        return found

    await_true(lambda: copies() == 0, "no copy")
    scaling.register_scalable_target(**identity, MaxCapacity=2)
    policy = scaling.put_scaling_policy(
        **identity,
        PolicyName="wake",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Maximum",
            "Cooldown": 60,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmActions=[policy["PolicyARN"]],
        MetricName="NoCapacityInvocationFailures",
        Namespace="AWS/SageMaker",
        Statistic="Maximum",
        Dimensions=[{"Name": "InferenceComponentName", "Value": component}],
        Period=30,
        EvaluationPeriods=1,
        DatapointsToAlarm=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="missing",
    )
    runtime = aws.client("sagemaker-runtime")
    asked = {"EndpointName": name, "InferenceComponentName": component, "Body": "1,2"}
    with pytest.raises(ClientError):
        runtime.invoke_endpoint(**asked, ContentType="text/csv")
    aws.admin("POST", "clock", json.dumps({"Seconds": 60}))
    await_true(lambda: copies() == 1, "a copy")
    answer = runtime.invoke_endpoint(**asked, ContentType="text/csv")
    assert answer["Body"].read().decode() == f"{component}:3.0"
    sagemaker.delete_inference_component(InferenceComponentName=component)
    targets = scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[identity["ResourceId"]]
    )["ScalableTargets"]
    assert targets == []
    await_true(lambda: gone(sagemaker, component), "the component to go")
    sagemaker.delete_endpoint(EndpointName=name)


def test_provisioned_concurrency_follows_its_use(aws: LocalAws, name: str) -> None:
    sagemaker, scaling = aws.client("sagemaker"), aws.client("application-autoscaling")
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 4, "ProvisionedConcurrency": 1}
    make_config(aws, name, ServerlessConfig=serverless)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    identity = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency",
    }
    scaling.register_scalable_target(**identity, MinCapacity=1, MaxCapacity=2)
    metric = {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"}
    scaling.put_scaling_policy(
        **identity,
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 0.7,
            "PredefinedMetricSpecification": metric,
        },
    )
    runtime = aws.client("sagemaker-runtime")

    def provisioned() -> int:
        (variant,) = await_endpoint(sagemaker, name)["ProductionVariants"]
        found: int = variant["CurrentServerlessConfig"]["ProvisionedConcurrency"]
        return found

    def used() -> bool:
        runtime.invoke_endpoint(EndpointName=name, Body="1,2", ContentType="text/csv")
        aws.admin("POST", "clock", json.dumps({"Seconds": 60}))
        return provisioned() == 2

    await_true(used, "more provisioned concurrency")
    sagemaker.delete_endpoint(EndpointName=name)
