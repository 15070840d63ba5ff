"""The requests that all clients make: train on four numbers, serve how far others are from their mean."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::123456789012:role/frugal-train"

NUMBERS = "1\n2\n3\n6\n"
MEAN = 3.0
ROWS = "3\n5.5\n"
PREDICTIONS = "0.0\n2.5"

CODE_KEY = "code/sourcedir.tar.gz"
DATA_KEY = "train/numbers.txt"


def source_archive() -> bytes:
    """The tar.gz that script mode unpacks: every program of the folder `model`."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for path in sorted(Path(__file__).with_name("model").glob("*.py")):
            tar.add(path, path.name)
    return archive.getvalue()


def write_inputs(directory: Path) -> Path:
    """Write what has to be in the bucket before the job starts, as files named after their keys."""
    for key, content in {CODE_KEY: source_archive(), DATA_KEY: NUMBERS.encode()}.items():
        path = directory / key
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    return directory


def training_job(name: str, bucket: str) -> dict[str, Any]:
    """A CreateTrainingJob request."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train/"}
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "train:mean", "Regex": "train:mean=([0-9.]+);"}],
        },
        "HyperParameters": {
            "scale": "1",
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"s3://{bucket}/{CODE_KEY}"',
        },
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "Tags": [{"Key": "client", "Value": bucket}],
    }


def model(name: str, bucket: str, artifacts: str) -> dict[str, Any]:
    """A CreateModel request for what a training job left at `artifacts`."""
    return {
        "ModelName": name,
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {
            "Image": IMAGE,
            "ModelDataUrl": artifacts,
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{bucket}/{CODE_KEY}",
            },
        },
    }


def endpoint_config(name: str, model_name: str) -> dict[str, Any]:
    """A CreateEndpointConfig request with one instance of one model."""
    return {
        "EndpointConfigName": name,
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": model_name,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
    }


def transform_job(name: str, bucket: str) -> dict[str, Any]:
    """A CreateTransformJob request: the model of that name, from <name>/in to <name>/out."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{name}/in/"}
    return {
        "TransformJobName": name,
        "ModelName": name,
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{bucket}/{name}/out",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


def tuning_job(name: str, bucket: str) -> dict[str, Any]:
    """A CreateHyperParameterTuningJob request: which scale makes the mean the largest."""
    definition = training_job(name, bucket)
    for member in ("TrainingJobName", "Tags"):
        del definition[member]
    definition["StaticHyperParameters"] = definition.pop("HyperParameters")
    del definition["StaticHyperParameters"]["scale"]
    scales = {"Name": "scale", "Values": ["1", "2"]}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "train:mean"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"CategoricalParameterRanges": [scales]},
        },
        "TrainingJobDefinition": definition,
    }
