"""Endpoints in every form with what they stand on: configurations, models, components, targets, alarms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.contract.cleanup.seeded import capacity, watching
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

ENDPOINT_STORIES = (
    *COMMON,
    special("busy", "busy"),
    special("busy-on-an-instance", "instance", "busy"),
    special("idle-on-an-instance", "instance", "scaled", acted=True),
    special("idle-async", "async", acted=True),
    special("busy-async", "async", "busy"),
    special("failed", "failed", acted=True),
    special("over-provisioned", "instance", "twice", "busy"),
    special("shadowed", "instance", "shadow", "busy"),
)
#: Two instances of so many cores that a process that takes one of them for itself is not busy.
TWICE = {"InstanceType": "ml.m5.4xlarge", "InitialInstanceCount": 2}


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
    variant: dict[str, Any] = {"VariantName": "all", "ModelName": model or name}
    variant |= INSTANCE if on_instance else SERVERLESS
    if "shadow" in story.how:
        more["ShadowProductionVariants"] = [variant | {"VariantName": "shadow"}]
    ground.aws("sagemaker").create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | (TWICE if "twice" in story.how else {})],
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
        yield from watching.scale(ground, name, story)
    if "twice" in story.how:
        ground.then.append(partial(capacity.await_measured, ground, name))
        yield Seed("instances", name, story.name, acted=True)
    if "shadow" in story.how:
        yield Seed("shadow-variant", name, story.name, acted=True)
    if "busy" in story.how:
        ask = ask_later if "async" in story.how else ask_now
        ground.then.append(partial(ask, ground, name))


def start_endpoint(ground: Ground, name: str, story: Story, config: str) -> Iterator[Seed]:
    ground.aws("sagemaker").create_endpoint(
        EndpointName=name, EndpointConfigName=config, Tags=ground.tags(story)
    )
    yield Seed("endpoint", name, story.name, story.acted)


def ask_now(ground: Ground, name: str, component: str | None = None) -> None:
    """One request, which the endpoint answers."""
    more = {"InferenceComponentName": component} if component else {}
    ground.aws("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body=b"1,2", **more
    )


def ask_later(ground: Ground, name: str) -> None:
    """One request, which the endpoint has processed, and CloudWatch heard of, when this returns."""
    key = f"async/{name}"
    ground.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"1,2")
    ground.aws("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=name, ContentType="text/csv", InputLocation=f"s3://{BUCKET}/{key}"
    )
    of = {"EndpointName": name, "VariantName": "all"}
    processed = partial(capacity.count, ground, "AWS/SageMaker", "InvocationsProcessed", **of)
    await_true(processed, f"what {name} processed to be counted")


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
    await_true(partial(capacity.in_service, ground, host), f"{host} to be in service")
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


REFERENCED = special("referenced", "referenced")
KINDS = (
    SeededKind("endpoint", make_endpoint, capacity.endpoints, stories=ENDPOINT_STORIES),
    SeededKind("instances", watching.nothing, capacity.instances, done="1 instances", stories=()),
    SeededKind("shadow-variant", watching.nothing, capacity.shadows, stories=()),
    SeededKind("endpoint-config", make_config, capacity.configs, stories=(*COMMON, REFERENCED)),
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
)
