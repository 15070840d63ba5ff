"""Managed spot training in script mode, one request a rung of the capacity ladder."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

from frugal.aws import clients, regions
from frugal.aws.run import Inputs
from frugal.jobs.capacity import Rung
from frugal.spec import ModelSpec
from frugal.stages.common import Stage, framework_image, seconds
from frugal.stages.ladder import ladder

PARQUET = "application/x-parquet"


def stage(spec: ModelSpec) -> Stage:
    """A training job on the first rung that has capacity."""
    return Stage(
        name="train",
        kind="training",
        base_name=f"{spec.name}-train",
        requests=[partial(request, spec, rung) for rung in range(len(spec.train.capacity))],
        upstream=["prepare"],
        ladder=partial(ladder, spec),
        enter=partial(enter, spec),
        leave=leave,
    )


def enter(spec: ModelSpec, inputs: Inputs, rung: Rung) -> None:
    """Bring what training reads, and the newest checkpoints, to the rung's region."""
    run, there = inputs.run, regions.elsewhere(inputs.run, rung.region)
    named = {other.region for other in spec.train.capacity} - {None, run.region, rung.region}
    others = [regions.elsewhere(run, region) for region in sorted(filter(None, named))]
    usable = [place for place in others if regions.without_bucket(place) is None]
    if usable or there != run:
        regions.bring(run, there, usable)


def leave(inputs: Inputs, rung: Rung, job: str) -> dict[str, Any]:
    """Bring home what a job in another region left; its artefact is then the one at home."""
    run, there = inputs.run, regions.elsewhere(inputs.run, rung.region)
    if there == run:
        return {}
    regions.bring_home(run, there, job)
    artifact = run.own("model", job, "output", "model.tar.gz")
    return {"artifact": artifact} if clients.list_objects(artifact) else {}


def request(spec: ModelSpec, rung: int, inputs: Inputs) -> dict[str, Any]:
    """CreateTrainingJob on one rung, all of it in the rung's region.

    The checkpoint prefix is the run's: every rung resumes the same.
    """
    train = spec.train
    capacity = train.capacity[rung]
    run = regions.elsewhere(inputs.run, capacity.region)
    inputs = replace(inputs, run=run)
    stopping = {"MaxRuntimeInSeconds": seconds(train.max_run)}
    if capacity.spot:
        stopping["MaxWaitTimeInSeconds"] = seconds(train.longest(capacity))
    elif capacity.patience:
        stopping["MaxPendingTimeInSeconds"] = seconds(capacity.patience)
    return {
        "RoleArn": run.role("train"),
        "AlgorithmSpecification": {
            "TrainingImage": framework_image(spec, inputs),
            "TrainingInputMode": "File",
            "MetricDefinitions": metric_definitions(spec),
        },
        "HyperParameters": hyperparameters(spec, inputs),
        "InputDataConfig": [
            _channel(name, inputs.run.dataset(name)) for name in ("train", "validation")
        ],
        "OutputDataConfig": {"S3OutputPath": run.own("model")},
        "CheckpointConfig": {
            "S3Uri": run.own("checkpoints"),
            "LocalPath": "/opt/ml/checkpoints",
        },
        "ResourceConfig": {
            "InstanceType": capacity.instance,
            "InstanceCount": 1,
            "VolumeSizeInGB": train.volume_gb,
        },
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": capacity.spot,
        "ProfilerConfig": {"DisableProfiler": True},
        "Tags": run.stage_tags("train"),
    }


def metric_definitions(spec: ModelSpec) -> list[dict[str, str]]:
    """What CloudWatch gets of the lines that training prints, such as `[10] validation-rmse:1.7`."""
    metric = spec.train.hyperparameters.get("eval_metric", spec.evaluate.metric)
    return [{"Name": f"validation:{metric}", "Regex": rf"validation-{metric}:([0-9.eE+-]+)"}]


def hyperparameters(spec: ModelSpec, inputs: Inputs) -> dict[str, str]:
    """Script mode's own and the model's hyperparameters, each JSON-encoded as the SageMaker SDK does."""
    chosen = {**spec.train.hyperparameters, **(inputs.params.get("hyperparameters") or {})}
    own = {
        "sagemaker_program": spec.train.script,
        "sagemaker_submit_directory": inputs.run.source,
        "sagemaker_region": inputs.run.region,
        "sagemaker_container_log_level": 20,
        "checkpoint_seconds": spec.train.checkpoint_seconds,
    }
    return {name: json.dumps(value) for name, value in {**chosen, **own}.items()}


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"{uri}/",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "ContentType": PARQUET,
        "CompressionType": "None",
        "InputMode": "File",
    }
