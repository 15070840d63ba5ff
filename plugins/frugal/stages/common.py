"""What several stages' requests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from frugal.aws.images import image_uri
from frugal.aws.run import Inputs
from frugal.jobs.capacity import Ladder, Rung
from frugal.spec import ModelSpec
from frugal.spec.train import VERSIONS

CODE = "/opt/ml/processing/input/code"


def _never(inputs: Inputs) -> None:
    return None


def _stay(inputs: Inputs, rung: Rung) -> None:
    return None


def _nothing_left(inputs: Inputs, rung: Rung, job: str) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Stage:
    """One task of the pipeline that runs a job; `JobOperator` says what the fields mean.

    `requests` has one builder for each rung of the capacity ladder, in model.yaml's order.

    `ladder` decides, once for each generation of the task, which rungs are tried and in which order; None: all,
    as they are. `enter` is called before a rung's job is submitted and brings what it reads to the rung's region;
    `leave` is called once a job of the rung is over, however it ended, brings home what it left, and returns what that
    changes in the task's result. Both may be called again for the same job.
    """

    name: str
    base_name: str
    requests: Sequence[Callable[[Inputs], dict[str, Any]]]
    upstream: Sequence[str]
    kind: str = "processing"
    skip: Callable[[Inputs], str | None] = _never
    reuse: Callable[[Inputs], dict[str, Any] | None] = _never
    document: Callable[[Inputs], str | None] = _never
    ladder: Callable[[Inputs], Ladder] | None = None
    enter: Callable[[Inputs, Rung], None] = _stay
    leave: Callable[[Inputs, Rung, str], dict[str, Any]] = _nothing_left


def seconds(duration: timedelta) -> int:
    """Whole seconds, as AWS's stopping conditions take them."""
    return int(duration.total_seconds())


def framework_image(spec: ModelSpec, inputs: Inputs) -> str:
    """URI of AWS's image of the model's framework, in the run's region."""
    return image_uri(spec.train.framework, spec.train.version, inputs.run.region)


def data_image(spec: ModelSpec, inputs: Inputs) -> str:
    """URI of the image for jobs that read and write tables alone: XGBoost's, the smallest of AWS's that can."""
    if spec.train.framework == "xgboost":
        return framework_image(spec, inputs)
    return image_uri("xgboost", VERSIONS["xgboost"][0], inputs.run.region)


def processing_input(name: str, uri: str) -> dict[str, Any]:
    """A ProcessingInput: everything under `uri`, below /opt/ml/processing/input/<name>."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3CompressionType": "None",
        },
    }


def manifest_input(name: str, manifest: str) -> dict[str, Any]:
    """A ProcessingInput: the objects that a manifest lists, by their keys, below /opt/ml/processing/input/<name>."""
    given = processing_input(name, manifest)
    given["S3Input"]["S3DataType"] = "ManifestFile"
    return given


def processing_output(name: str, uri: str, mode: str = "EndOfJob") -> dict[str, Any]:
    """A ProcessingOutput: /opt/ml/processing/output/<name> goes to `uri`."""
    return {
        "OutputName": name,
        "S3Output": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/output/{name}",
            "S3UploadMode": mode,
        },
    }


def processing_request(
    inputs: Inputs,
    *,
    stage: str,
    module: str,
    image: str,
    role: str,
    instance: str,
    max_run: timedelta,
    sources: dict[str, str],
    outputs: list[dict[str, Any]],
    volume_gb: int = 30,
    environment: dict[str, str] | None = None,
) -> dict[str, Any]:
    """CreateProcessingJob for one module of include/container, on one instance."""
    run = inputs.run
    return {
        "RoleArn": run.role(role),
        "AppSpecification": {
            "ImageUri": image,
            "ContainerEntrypoint": ["python3", "-m", f"container.{module}"],
        },
        "Environment": {"PYTHONPATH": CODE, **(environment or {})},
        "ProcessingInputs": [
            processing_input(name, uri) for name, uri in {"code": run.code, **sources}.items()
        ],
        "ProcessingOutputConfig": {"Outputs": outputs},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": instance,
                "VolumeSizeInGB": volume_gb,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds(max_run)},
        "Tags": run.stage_tags(stage),
    }
