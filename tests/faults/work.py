"""AWS requests of work that goes on until it is told to end, one builder for each kind of job.

A builder gets a DAG run's params: `name`, which the names of all that is made start with, and `folder`, where
the work leaves `started` and waits for `release`, in which "fail" makes it end as a failure. What the requests refer
to, `materials` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

BUCKET = "frugal-faults"
REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = f"{REGISTRY}/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::123456789012:role/frugal-train"
INSTANCE = "ml.m5.large"
CLUSTER = {"InstanceCount": 1, "InstanceType": INSTANCE, "VolumeSizeInGB": 1}
TAGS = [{"Key": "ManagedBy", "Value": "frugal"}]
HELD = str(Path(__file__).with_name("held.py"))
LIMIT_SECONDS = 3600
SHORT_SECONDS = 15
CHECKPOINT_STEPS = 20
TRAINING_JOBS = 2

Params = Mapping[str, Any]
Request = dict[str, Any]


def processing(params: Params) -> Request:
    return {
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", HELD, params["folder"]],
        },
        "ProcessingResources": {"ClusterConfig": CLUSTER},
        "StoppingCondition": {"MaxRuntimeInSeconds": LIMIT_SECONDS},
    }


def training(params: Params) -> Request:
    """On spot capacity, with checkpoints."""
    uri = f"s3://{BUCKET}/{params['name']}"
    return {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"{uri}/source.tar.gz",
        },
        "OutputDataConfig": {"S3OutputPath": f"{uri}/model"},
        "CheckpointConfig": {"S3Uri": f"{uri}/checkpoints"},
        "ResourceConfig": CLUSTER,
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {
            "MaxRuntimeInSeconds": LIMIT_SECONDS,
            "MaxWaitTimeInSeconds": LIMIT_SECONDS,
        },
    }


def on(instance: str, *, spot: bool) -> Callable[[Params], Request]:
    """A rung of a ladder of training jobs: the same on `instance`, given up soon when none comes."""

    def build(params: Params) -> Request:
        limits = {"MaxRuntimeInSeconds": SHORT_SECONDS if spot else LIMIT_SECONDS}
        return {
            **training(params),
            "ResourceConfig": {**CLUSTER, "InstanceType": instance},
            "EnableManagedSpotTraining": spot,
            "StoppingCondition": limits | ({"MaxWaitTimeInSeconds": SHORT_SECONDS} if spot else {}),
        }

    return build


RUNGS = ("ml.c5.xlarge", "ml.c5.2xlarge", "ml.c5.4xlarge")
LADDER = tuple(on(instance, spot=instance == RUNGS[0]) for instance in RUNGS)


def tuning(params: Params) -> Request:
    definition = training(params)
    del definition["CheckpointConfig"]
    rows = f"s3://{BUCKET}/{params['name']}/rows.csv"
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": rows}}
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": TRAINING_JOBS,
                "MaxParallelTrainingJobs": TRAINING_JOBS,
                "MaxRuntimeInSeconds": LIMIT_SECONDS,
            },
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.9"}]
            },
        },
        "TrainingJobDefinition": {
            **{key: value for key, value in definition.items() if key != "HyperParameters"},
            "StaticHyperParameters": definition["HyperParameters"],
            "InputDataConfig": [{"ChannelName": "train", "DataSource": source}],
            "AlgorithmSpecification": {
                **definition["AlgorithmSpecification"],
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            },
        },
    }


def compilation(params: Params) -> Request:
    uri = f"s3://{BUCKET}/{params['name']}"
    return {
        "RoleArn": ROLE,
        "InputConfig": {
            "S3Uri": f"{uri}/source.tar.gz",
            "Framework": "XGBOOST",
            "DataInputConfig": '{"data":[1,2]}',
        },
        "OutputConfig": {"S3OutputLocation": f"{uri}/compiled", "TargetDevice": "ml_c5"},
        "StoppingCondition": {"MaxRuntimeInSeconds": LIMIT_SECONDS},
    }


def transform(params: Params) -> Request:
    uri = f"s3://{BUCKET}/{params['name']}"
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{uri}/rows.csv"}}
    return {
        "ModelName": params["name"],
        "TransformInput": {
            "DataSource": source,
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": f"{uri}/predictions"},
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": LIMIT_SECONDS},
        "TransformResources": {"InstanceType": INSTANCE, "InstanceCount": 1},
    }


def model(name: str, held: str = "start") -> Request:
    """CreateModel's request for a server that is held at its start, or at each of its `invocations`."""
    data = f"s3://{BUCKET}/{name}/source.tar.gz"
    return {
        "ModelName": name,
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {
            "Image": IMAGE,
            "ModelDataUrl": data,
            "Environment": {"HELD_AT": held},
        },
    }


def endpoint(params: Params) -> Request:
    name = params["name"]
    variant = {
        "VariantName": "main",
        "ModelName": name,
        "InstanceType": INSTANCE,
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
        "ContainerStartupHealthCheckTimeoutInSeconds": LIMIT_SECONDS,
    }
    return {
        "Models": [model(name)],
        "EndpointConfig": {"EndpointConfigName": name, "ProductionVariants": [variant]},
        "Endpoint": {"EndpointName": name, "EndpointConfigName": name, "Tags": TAGS},
    }


def inference_component(params: Params) -> Request:
    name = params["name"]
    return {
        "EndpointName": f"{name}-host",
        "VariantName": "main",
        "Specification": {
            "ModelName": name,
            "StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": LIMIT_SECONDS},
            "ComputeResourceRequirements": {
                "NumberOfCpuCoresRequired": 1,
                "MinMemoryRequiredInMb": 256,
            },
        },
        "RuntimeConfig": {"CopyCount": 1},
        "Tags": TAGS,
    }


BUILDERS: dict[str, Callable[[Params], Request]] = {
    "processing": processing,
    "training": training,
    "tuning": tuning,
    "compilation": compilation,
    "transform": transform,
    "endpoint": endpoint,
    "inference-component": inference_component,
}
