"""Batch transform: no endpoint at all; a model, and jobs over what lies in S3."""

from __future__ import annotations

from typing import Any

from frugal.aws.run import Inputs, Run
from frugal.serving import parts
from frugal.serving.container import container
from frugal.spec import ModelSpec
from frugal.spec.deploy import CAPTURE_PERCENT

MAX_PAYLOAD_MB = 6


def model(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateModel of what this run trained."""
    return parts.model(spec, inputs, container(spec, inputs))


def champion_model(spec: ModelSpec, inputs: Inputs, package: str) -> dict[str, Any]:
    """CreateModel of an approved model package, by its ARN."""
    return parts.model(spec, inputs, {"ModelPackageName": package})


def check_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateTransformJob over the held-out rows whose predictions are known."""
    run = inputs.run
    name = inputs["create_model"]["model"]
    source, target = run.own("evaluation", "parity", "rows.csv"), run.own("batch-check")
    return _request(spec, inputs, name, source, target, stage="deploy")


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateTransformJob over everything below the input prefix."""
    run = inputs.run
    name = inputs["prepare_batch"]["model"]
    target = run.s3("batch", "out", run.id)
    asked = _request(spec, inputs, name, source(spec, run), target, stage="transform")
    percent = spec.deploy.capture_percent
    if CAPTURE_PERCENT if percent is None else percent:
        asked["DataCaptureConfig"] = {"DestinationS3Uri": run.s3("capture")}
    return asked


def source(spec: ModelSpec, run: Run) -> str:
    """URI prefix of what is to be predicted."""
    given = spec.deploy.batch.input if spec.deploy.batch else None
    return f"s3://{run.bucket}/{(given or f'{spec.name}/batch/in').strip('/')}/"


def _request(
    spec: ModelSpec, inputs: Inputs, model_name: str, source: str, target: str, *, stage: str
) -> dict[str, Any]:
    deploy = spec.deploy
    asked: dict[str, Any] = {
        "ModelName": model_name,
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": MAX_PAYLOAD_MB,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": target, "Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {
            "InstanceType": deploy.host,
            "InstanceCount": deploy.instances or 1,
        },
        "Tags": inputs.run.stage_tags(stage),
    }
    if deploy.max_concurrency:
        asked["MaxConcurrentTransforms"] = deploy.max_concurrency
    return asked
