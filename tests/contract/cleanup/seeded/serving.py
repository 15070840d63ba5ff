"""Endpoints in every form with what they stand on: configurations, models, components, targets, alarms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.contract.cleanup.seeded.seed import (
    ARTEFACT,
    BUCKET,
    IMAGE,
    NO_IMAGE,
    ROLE,
    Ground,
    Seed,
    SeededKind,
    listed,
)
from tests.contract.cleanup.seeded.stories import COMMON, FOREIGN, KEPT, Story, special
from tests.contract.waiting import await_true

SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
ASYNC = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/async"}}
CORES = {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 512}
#: An endpoint that is always there, for what needs one.
ANCHOR = "anchor"

ENDPOINT_STORIES = (
    *COMMON,
    special("busy", "busy"),
    special("busy-on-an-instance", "instance", "busy"),
    special("idle-on-an-instance", "instance", "scaled", acted=True),
    special("idle-async", "async", acted=True),
    special("busy-async", "async", "busy"),
    special("failed", "failed", acted=True),
)


def make_model(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    create_model(ground, name, story)
    if "referenced" in story.how:
        yield from make_config(ground, f"{name}-user", FOREIGN, model=name)
    yield Seed("model", name, story.name, story.acted)


def create_model(ground: Ground, name: str, story: Story) -> None:
    image = NO_IMAGE if "failed" in story.how else IMAGE
    ground.aws("sagemaker").create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": image, "ModelDataUrl": ARTEFACT},
        Tags=ground.tags(story),
    )


def make_config(
    ground: Ground, name: str, story: Story, model: str | None = None
) -> Iterator[Seed]:
    """A configuration of a model of its own, which it keeps in use, unless it gets another's."""
    if model is None:
        create_model(ground, name, story)
        yield Seed("model", name, f"of {story.name}", acted=False)
    on_instance = {"instance", "async", "failed"} & story.how
    more: dict[str, Any] = {"AsyncInferenceConfig": ASYNC} if "async" in story.how else {}
    variant = {"VariantName": "all", "ModelName": model or name}
    ground.aws("sagemaker").create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | (INSTANCE if on_instance else SERVERLESS)],
        Tags=ground.tags(story),
        **more,
    )
    if "referenced" in story.how:
        yield from start_endpoint(ground, f"{name}-user", FOREIGN, config=name)
    yield Seed("endpoint-config", name, story.name, story.acted)


def make_endpoint(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """An endpoint, whose configuration and model are in use until it is gone."""
    for seed in make_config(ground, name, story):
        yield Seed(seed.kind, seed.name, f"of {story.name}", acted=False)
    yield from start_endpoint(ground, name, story, config=name)
    if "scaled" in story.how:
        yield from scale(ground, name, story)
    if "busy" in story.how:
        ask = ask_later if "async" in story.how else ask_now
        ground.then.append(partial(ask, ground, name))


def start_endpoint(ground: Ground, name: str, story: Story, config: str) -> Iterator[Seed]:
    ground.aws("sagemaker").create_endpoint(
        EndpointName=name, EndpointConfigName=config, Tags=ground.tags(story)
    )
    yield Seed("endpoint", name, story.name, story.acted)


def scale(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """A target with a policy, whose alarms AWS makes; all of it goes with the endpoint."""
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/all",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    await_true(partial(in_service, ground, name), f"{name} to be in service")
    scaling = ground.aws("application-autoscaling")
    scaling.register_scalable_target(
        **target, MinCapacity=1, MaxCapacity=2, Tags=ground.mapping(story)
    )
    made = scaling.put_scaling_policy(
        **target,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100,
            "PredefinedMetricSpecification": metric,
        },
    )
    yield Seed("scalable-target", target["ResourceId"], story.name, story.acted)
    yield Seed("scaling-policy", made["PolicyARN"], story.name, story.acted)
    for alarm in made["Alarms"]:
        yield Seed("alarm", alarm["AlarmName"], story.name, story.acted)


def in_service(ground: Ground, name: str) -> bool:
    described = ground.aws("sagemaker").describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] != "Failed", described["FailureReason"]
    return bool(described["EndpointStatus"] == "InService")


def ask_now(ground: Ground, name: str, component: str | None = None) -> None:
    """One request, which the endpoint answers."""
    more = {"InferenceComponentName": component} if component else {}
    ground.aws("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body=b"1,2", **more
    )


def ask_later(ground: Ground, name: str) -> None:
    key = f"async/{name}"
    ground.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"1,2")
    answer = ground.aws("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=name, ContentType="text/csv", InputLocation=f"s3://{BUCKET}/{key}"
    )["OutputLocation"]
    output = answer.removeprefix(f"s3://{BUCKET}/")
    found = partial(ground.aws("s3").list_objects_v2, Bucket=BUCKET, Prefix=output)
    await_true(lambda: found().get("KeyCount"), f"the answer of {name}")


def make_component(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """A component on a host of its own, which is busy by it or kept."""
    sagemaker = ground.aws("sagemaker")
    host = f"{name}-host"
    variant: dict[str, Any] = {
        "VariantName": "all",
        **INSTANCE,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=host,
        ExecutionRoleArn=ROLE,
        ProductionVariants=[variant],
        Tags=ground.tags(KEPT),
    )
    yield Seed("endpoint-config", host, "of a host", acted=False)
    yield from start_endpoint(ground, host, KEPT, config=host)
    yield from make_model(ground, name, KEPT)
    await_true(partial(in_service, ground, host), f"{host} to be in service")
    sagemaker.create_inference_component(
        InferenceComponentName=name,
        EndpointName=host,
        VariantName="all",
        Specification={"ModelName": name, "ComputeResourceRequirements": CORES},
        RuntimeConfig={"CopyCount": 1},
        Tags=ground.tags(story),
    )
    if "busy" in story.how:
        ground.then.append(partial(ask_now, ground, host, name))
    yield Seed("inference-component", name, story.name, story.acted)


def make_alarm(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """On an endpoint that is gone, or on one that is there."""
    endpoint = ANCHOR if "guards" in story.how else f"{name}-gone"
    dimensions = {"EndpointName": endpoint, "VariantName": "all"}
    ground.aws("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1e6,
        ComparisonOperator="GreaterThanThreshold",
        Tags=ground.tags(story),
    )
    yield Seed("alarm", name, story.name, story.acted)


def nothing(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """Of a kind that comes with others."""
    yield from ()


REFERENCED = special("referenced", "referenced")
KINDS = (
    SeededKind(
        "endpoint",
        make_endpoint,
        listed("sagemaker", "list_endpoints", "Endpoints", "EndpointName", "EndpointStatus"),
        stories=ENDPOINT_STORIES,
    ),
    SeededKind(
        "endpoint-config",
        make_config,
        listed("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        stories=(*COMMON, REFERENCED),
    ),
    SeededKind(
        "model",
        make_model,
        listed("sagemaker", "list_models", "Models", "ModelName"),
        stories=(*COMMON, REFERENCED),
    ),
    SeededKind(
        "inference-component",
        make_component,
        listed(
            "sagemaker",
            "list_inference_components",
            "InferenceComponents",
            "InferenceComponentName",
            "InferenceComponentStatus",
        ),
        stories=(special("idle", acted=True), special("busy", "busy")),
    ),
    SeededKind(
        "alarm",
        make_alarm,
        listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        stories=(*COMMON, special("guards", "guards")),
    ),
    SeededKind(
        "scalable-target",
        nothing,
        listed(
            "application-autoscaling",
            "describe_scalable_targets",
            "ScalableTargets",
            "ResourceId",
            ServiceNamespace="sagemaker",
        ),
        stories=(),
    ),
    SeededKind(
        "scaling-policy",
        nothing,
        listed(
            "application-autoscaling",
            "describe_scaling_policies",
            "ScalingPolicies",
            "PolicyARN",
            ServiceNamespace="sagemaker",
        ),
        stories=(),
    ),
)
