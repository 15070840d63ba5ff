"""What each strategy asks of AWS: accepted by AWS's own service model, and saying what the spec says."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from frugal.aws.run import Inputs
from frugal.serving import autoscaling, batch, rollout
from frugal.spec import ModelSpec, parse_spec
from frugal.stages import deploy
from tests.unit.stages.test_requests import NETWORK, RESULTS, RUN, SPEC

ALONE = replace(RUN, champion=None)
FIRST = {
    "publish_model": {"source": "s3://data/serving/code/1.tar.gz", "target": "churn/1.tar.gz"},
    "create_model": {"model": "churn-1"},
    "prepare_batch": {"model": "churn-1"},
}


def spec_of(section: str, *more: str) -> ModelSpec:
    base = NETWORK + "compile: {backend: neuron}\n" if "inferentia" in section else SPEC
    return parse_spec("".join([base, f"deploy: {{{section}}}\n", *more]))


def inputs(run: Any = ALONE) -> Inputs:
    results = {**RESULTS, **FIRST, "compile": None}
    return Inputs(run=run, results=results)


@cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def valid(service: str, operation: str, request: dict[str, Any], **more: Any) -> dict[str, Any]:
    shape = service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate({**request, **more}, shape)
    assert not report.has_errors(), report.generate_report()
    return request


def endpoint(section: str, *more: str, run: Any = ALONE) -> dict[str, Any]:
    """The request of the `deploy` task, each part of it checked against AWS's model."""
    request = deploy.request(spec_of(section, *more), inputs(run))
    for model in request["Models"]:
        valid("sagemaker", "CreateModel", model)
    valid("sagemaker", "CreateEndpointConfig", request["EndpointConfig"])
    valid("sagemaker", "CreateEndpoint", request["Endpoint"])
    names = {"EndpointName", "EndpointConfigName"}
    update = {name: request["Endpoint"][name] for name in names} | {
        key: value
        for key, value in request.items()
        if key not in ("Models", "EndpointConfig", "Endpoint", "Alarms")
    }
    valid("sagemaker", "UpdateEndpoint", update)
    for alarm in request.get("Alarms", ()):
        valid("cloudwatch", "PutMetricAlarm", alarm)
    return request


def variant(request: dict[str, Any]) -> dict[str, Any]:
    (only,) = request["EndpointConfig"]["ProductionVariants"]
    return dict(only)


def test_the_same_deployment_asked_again_is_the_same_configuration() -> None:
    names = [
        endpoint(section)["EndpointConfig"]["EndpointConfigName"]
        for section in (
            "strategy: realtime",
            "strategy: realtime",
            "strategy: realtime, instances: 2",
        )
    ]
    assert names[0] == names[1] != names[2]


def test_realtime_falls_back_to_other_instances() -> None:
    request = endpoint("strategy: realtime, fallback: [ml.c5.xlarge, ml.m5.xlarge]")
    pools = variant(request)["InstancePools"]
    assert [(pool["InstanceType"], pool["Priority"]) for pool in pools] == [
        ("ml.m5.large", 1),
        ("ml.c5.xlarge", 2),
        ("ml.m5.xlarge", 3),
    ]
    assert "InstanceType" not in variant(request)


def test_a_pool_that_neo_did_not_compile_for_serves_the_model_as_it_was_trained() -> None:
    spec = spec_of(
        "strategy: realtime, instance: ml.c5.xlarge, fallback: [ml.c5.2xlarge, ml.m5.xlarge]",
        "compile: {backend: neo, target: ml_c5}\n",
    )
    request = deploy.request(spec, Inputs(run=ALONE, results=RESULTS))
    compiled, plain = request["Models"]
    first, second, third = variant(request)["InstancePools"]
    assert "ModelNameOverride" not in first
    assert "ModelNameOverride" not in second
    assert third["ModelNameOverride"] == plain["ModelName"] != compiled["ModelName"]
    assert plain["PrimaryContainer"]["ModelDataUrl"] == RESULTS["train"]["artifact"]


@pytest.mark.parametrize(
    ("kind", "routing"),
    [
        ("all-at-once", {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}),
        (
            "canary",
            {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 120,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20},
            },
        ),
        (
            "linear",
            {
                "Type": "LINEAR",
                "WaitIntervalInSeconds": 120,
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 20},
            },
        ),
    ],
)
def test_blue_green_rollouts(kind: str, routing: dict[str, Any]) -> None:
    request = endpoint(
        f"strategy: realtime, instances: 2, rollout: {{kind: {kind}, percent: 20, bake: 2m}}"
    )
    policy = request["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == routing
    assert policy["TerminationWaitInSeconds"] == 120
    steps = 5 if kind == "linear" else 1
    assert policy["MaximumExecutionTimeoutInSeconds"] > 120 * (steps + 1)


def test_rolling_replaces_a_batch_at_a_time() -> None:
    request = endpoint("strategy: realtime, instances: 4, rollout: {kind: rolling, percent: 25}")
    policy = request["DeploymentConfig"]["RollingUpdatePolicy"]
    assert policy["MaximumBatchSize"] == {"Type": "CAPACITY_PERCENT", "Value": 25}
    assert policy["MaximumExecutionTimeoutInSeconds"] >= 4 * rollout.PROVISIONING_SECONDS


def test_alarms_watch_the_new_configuration_alone() -> None:
    request = endpoint(
        "strategy: realtime, instances: 2, rollout: {errors_percent: 2, latency_ms: 40}"
    )
    errors, latency = request["Alarms"]
    config = request["EndpointConfig"]["EndpointConfigName"]
    for alarm in (errors, latency):
        assert {"Name": "EndpointConfigName", "Value": config} in alarm["Dimensions"]
        assert alarm["TreatMissingData"] == "notBreaching"
    assert (errors["Statistic"], errors["Threshold"]) == ("Average", 0.02)
    assert (latency["ExtendedStatistic"], latency["Threshold"]) == ("p95", 40_000)
    rollback = request["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert [alarm["AlarmName"] for alarm in rollback] == [
        errors["AlarmName"],
        latency["AlarmName"],
    ]


def test_a_scaled_endpoint_keeps_its_instances_when_it_is_updated() -> None:
    request = endpoint("strategy: realtime, autoscale: {min: 2, max: 6}")
    assert request["RetainAllVariantProperties"] is True
    assert variant(request)["InitialInstanceCount"] == 2
    assert "RetainAllVariantProperties" not in endpoint("strategy: realtime")


def test_a_trial_has_the_champion_beside_the_challenger() -> None:
    shadow = endpoint("strategy: realtime, trial: {kind: shadow, percent: 30}", run=RUN)
    (live,) = shadow["EndpointConfig"]["ProductionVariants"]
    (copied,) = shadow["EndpointConfig"]["ShadowProductionVariants"]
    champion, challenger = shadow["Models"]
    assert champion["PrimaryContainer"] == {"ModelPackageName": RUN.champion and RUN.champion.arn}
    assert (live["ModelName"], copied["ModelName"]) == (
        champion["ModelName"],
        challenger["ModelName"],
    )
    assert copied["InitialVariantWeight"] == 0.3
    split = endpoint("strategy: realtime, trial: {kind: split, percent: 20}", run=RUN)
    weights = [v["InitialVariantWeight"] for v in split["EndpointConfig"]["ProductionVariants"]]
    assert weights == [0.8, 0.2]
    alone = endpoint("strategy: realtime, trial: {kind: split, percent: 20}")
    assert len(alone["EndpointConfig"]["ProductionVariants"]) == 1


def test_serverless_keeps_some_warm() -> None:
    request = endpoint("strategy: serverless, memory_mb: 4096, provisioned_concurrency: 8")
    assert variant(request)["ServerlessConfig"] == {
        "MemorySizeInMB": 4096,
        "MaxConcurrency": 8,
        "ProvisionedConcurrency": 8,
    }


def test_siblings_ask_for_the_same_multi_model_endpoint() -> None:
    section = "deploy: {strategy: multi-model, endpoint: shared}\n"
    requests = []
    for name in ("churn", "fraud"):
        spec = parse_spec(SPEC.replace("name: churn", f"name: {name}") + section)
        run = replace(ALONE, id=f"run-of-{name}", model=name)
        requests.append(deploy.request(spec, inputs(run)))
    configs = {request["EndpointConfig"]["EndpointConfigName"] for request in requests}
    assert len(configs) == 1
    container = requests[0]["Models"][0]["PrimaryContainer"]
    assert container["Mode"] == "MultiModel"
    assert container["ModelDataUrl"] == "s3://data/serving/shared/models/"
    valid("sagemaker", "CreateModel", requests[0]["Models"][0])


def test_async_leaves_answers_in_s3_and_tells_topics() -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:failed"
    request = endpoint(f"strategy: async, max_concurrency: 3, notify: {{error: '{topic}'}}")
    queue = request["EndpointConfig"]["AsyncInferenceConfig"]
    assert queue["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 3}
    assert queue["OutputConfig"]["NotificationConfig"] == {"ErrorTopic": topic}
    assert variant(request)["InitialInstanceCount"] == 1


def test_scale_to_zero_has_an_endpoint_that_outlives_its_models() -> None:
    section = "strategy: scale-to-zero, memory_mb: 512, autoscale: {max: 3}"
    requests = [endpoint(section), endpoint(section, run=replace(ALONE, id="another"))]
    assert requests[0]["Models"] == []
    configs = {request["EndpointConfig"]["EndpointConfigName"] for request in requests}
    assert len(configs) == 1
    managed = variant(requests[0])["ManagedInstanceScaling"]
    assert managed == {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 3}
    rolled = spec_of("strategy: scale-to-zero, rollout: {kind: rolling, percent: 50}")
    component = deploy.stages(rolled)[1].requests[0](inputs())
    guards = {key: component.pop(key) for key in ("DeploymentConfig", "Alarms")}
    valid("sagemaker", "CreateInferenceComponent", component)
    update = {key: component[key] for key in ("InferenceComponentName", "Specification")}
    update["DeploymentConfig"] = guards["DeploymentConfig"]
    valid("sagemaker", "UpdateInferenceComponent", update)


def test_batch_transforms_with_capture_and_without_an_endpoint() -> None:
    spec = spec_of("strategy: batch, instances: 2, max_concurrency: 4")
    valid("sagemaker", "CreateModel", batch.model(spec, inputs()))
    asked = valid(
        "sagemaker", "CreateTransformJob", batch.request(spec, inputs()), TransformJobName="job"
    )
    assert (
        asked["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        == "s3://data/churn/batch/in/"
    )
    assert asked["DataCaptureConfig"] == {"DestinationS3Uri": "s3://data/churn/capture"}
    check = deploy.request(spec, inputs())
    valid("sagemaker", "CreateTransformJob", check, TransformJobName="job")
    assert "DataCaptureConfig" not in check


@pytest.mark.parametrize("generation", ["inf1", "inf2"])
def test_inferentia_is_served_in_real_time(generation: str) -> None:
    request = endpoint(f"strategy: inferentia, instance: ml.{generation}.xlarge")
    assert variant(request)["InstanceType"] == f"ml.{generation}.xlarge"
    assert "DeploymentConfig" not in request


SCALED = [
    ("strategy: realtime, autoscale: {min: 1, max: 4}", "SageMakerVariantInvocationsPerInstance"),
    ("strategy: multi-model, autoscale: {max: 4}", "SageMakerVariantInvocationsPerInstance"),
    (
        "strategy: serverless, provisioned_concurrency: 1, autoscale: {max: 4}",
        "SageMakerVariantProvisionedConcurrencyUtilization",
    ),
    ("strategy: scale-to-zero", "SageMakerInferenceComponentInvocationsPerCopy"),
    ("strategy: async", None),
]


@pytest.mark.parametrize(("section", "metric"), SCALED)
def test_scaling_tracks_the_strategys_own_metric(section: str, metric: str | None) -> None:
    found = autoscaling.scaling(spec_of(section), inputs())
    assert found is not None
    service = "application-autoscaling"
    valid(service, "RegisterScalableTarget", found.target, ServiceNamespace="sagemaker")
    for policy in found.policies:
        valid(service, "PutScalingPolicy", policy, **found.resource)
    for alarm in found.alarms.values():
        valid("cloudwatch", "PutMetricAlarm", alarm)
    tracking = found.policies[0]["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["ScaleOutCooldown"] < tracking["ScaleInCooldown"]
    predefined = tracking.get("PredefinedMetricSpecification", {})
    assert predefined.get("PredefinedMetricType") == metric
    wakes = found.target["MinCapacity"] == 0
    assert ("wake" in found.alarms) is wakes


def test_steps_and_schedules_stand_beside_the_target() -> None:
    section = (
        "strategy: realtime, autoscale: {min: 1, max: 9, steps: [{above: 900, add: 1}, {above: 1500, add: 4}], "
        "schedule: [{at: 'cron(0 7 ? * MON-FRI *)', timezone: Europe/Berlin, min: 3}]}"
    )
    found = autoscaling.scaling(spec_of(section), inputs())
    assert found is not None
    _, burst = found.policies
    valid("application-autoscaling", "PutScalingPolicy", burst, **found.resource)
    assert found.alarms["burst"]["Threshold"] == 900
    assert burst["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 600, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 600, "ScalingAdjustment": 4},
    ]
    (action,) = found.schedule
    valid("application-autoscaling", "PutScheduledAction", action, **found.resource)
    assert action["ScalableTargetAction"] == {"MinCapacity": 3}
