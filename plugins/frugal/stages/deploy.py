"""The endpoint: model, configuration and endpoint, real-time or serverless."""

from __future__ import annotations

from functools import partial
from typing import Any

from frugal.aws.names import unique
from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.spec.deploy import REALTIME_INSTANCE
from frugal.stages.common import Stage
from frugal.stages.evaluate import lost
from frugal.stages.serve import container

VARIANT = "main"
INSTANCES, CAPTURE_PERCENT = 1, 100
MEMORY_MB, MAX_CONCURRENCY = 2048, 5


def stage(spec: ModelSpec) -> Stage:
    """The model's one endpoint, created or updated when the challenger won."""
    return Stage(
        name="deploy",
        kind="endpoint",
        base_name=spec.name,
        requests=[partial(request, spec)],
        upstream=["prepare", "train", "evaluate", "compile"],
        skip=not_deployed,
    )


def not_deployed(inputs: Inputs) -> str | None:
    """Why the endpoint stays as it is; None when the challenger goes live."""
    if not inputs.params.get("deploy", True):
        return "the run was started with deploy = false"
    return lost(inputs)


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateModel, CreateEndpointConfig and CreateEndpoint; the first two are named after the run."""
    run = inputs.run
    tags = run.stage_tags("deploy")
    name = unique(spec.name, run.id)
    config: dict[str, Any] = {
        "EndpointConfigName": name,
        "ProductionVariants": [
            {"VariantName": VARIANT, "ModelName": name, "InitialVariantWeight": 1.0, **_size(spec)}
        ],
        "Tags": tags,
    }
    percent = _capture_percent(spec)
    if percent:
        config["DataCaptureConfig"] = {
            "EnableCapture": True,
            "InitialSamplingPercentage": percent,
            "DestinationS3Uri": run.s3("capture"),
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        }
    return {
        "Model": {
            "ModelName": name,
            "ExecutionRoleArn": run.role("serve"),
            "PrimaryContainer": container(spec, inputs),
            "Tags": tags,
        },
        "EndpointConfig": config,
        "Endpoint": {"EndpointName": spec.name, "EndpointConfigName": name, "Tags": tags},
    }


def _size(spec: ModelSpec) -> dict[str, Any]:
    deploy = spec.deploy
    if deploy.strategy == "serverless":
        return {
            "ServerlessConfig": {
                "MemorySizeInMB": deploy.memory_mb or MEMORY_MB,
                "MaxConcurrency": deploy.max_concurrency or MAX_CONCURRENCY,
            }
        }
    return {
        "InstanceType": deploy.instance or REALTIME_INSTANCE,
        "InitialInstanceCount": deploy.instances or INSTANCES,
    }


def _capture_percent(spec: ModelSpec) -> int:
    if spec.deploy.strategy == "serverless":
        return 0
    percent = spec.deploy.capture_percent
    return CAPTURE_PERCENT if percent is None else percent
