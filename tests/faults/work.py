"""AWS requests of work that goes on until it is told to end, one builder for each kind of job.

A builder gets a DAG run's params: `name`, which the names of all that is made start with, and `folder`, where
the work leaves `started` and waits for `release`, in which "fail" makes it end as a failure. What a kind needs
before its task runs, `PREPARATIONS` make.
"""

from __future__ import annotations

import io
import tarfile
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
        "TransformResources": {"InstanceType": INSTANCE, "InstanceCount": 1},
    }


def model(name: str) -> Request:
    """CreateModel's request for a server that is held."""
    data = f"s3://{BUCKET}/{name}/source.tar.gz"
    return {
        "ModelName": name,
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": data},
    }


def endpoint(params: Params) -> Request:
    name = params["name"]
    variant = {
        "VariantName": "main",
        "ModelName": name,
        "InstanceType": INSTANCE,
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
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


def prepare(s3: Any, sagemaker: Any, kind: str, name: str, folder: Path) -> None:
    """Make what the request of `kind` refers to."""
    files = {"train.py": script(folder), "folder": str(folder)}
    s3.put_object(Bucket=BUCKET, Key=f"{name}/source.tar.gz", Body=archive(files))
    if kind == "transform":
        s3.put_object(Bucket=BUCKET, Key=f"{name}/rows.csv", Body=b"1,2\n")
    if kind in ("transform", "inference-component"):
        sagemaker.create_model(**model(name))
    if kind == "inference-component":
        host(sagemaker, f"{name}-host")


def host(sagemaker: Any, name: str) -> None:
    """An endpoint for inference components, in service."""
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    variant = {
        "VariantName": "main",
        "InstanceType": INSTANCE,
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": scaling,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ExecutionRoleArn=ROLE, ProductionVariants=[variant]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=TAGS)
    waiter = sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 240})


def old_endpoint(sagemaker: Any, name: str) -> None:
    """An endpoint that serves, for the task to update."""
    request = endpoint({"name": name})
    old = {"ModelName": f"{name}-old"}
    config = request["EndpointConfig"] | {"EndpointConfigName": f"{name}-old"}
    sagemaker.create_model(**request["Models"][0] | old)
    config["ProductionVariants"] = [variant | old for variant in config["ProductionVariants"]]
    sagemaker.create_endpoint_config(**config)
    sagemaker.create_endpoint(**request["Endpoint"] | {"EndpointConfigName": f"{name}-old"})


def old_component(sagemaker: Any, name: str) -> None:
    """An inference component that serves, for the task to update."""
    request = inference_component({"name": name})
    old = {"ModelName": f"{name}-old"}
    sagemaker.create_model(**model(name) | old)
    sagemaker.create_inference_component(
        **request | {"Specification": request["Specification"] | old},
        InferenceComponentName=name,
    )


#: kind -> what makes the thing that its task is to update
BEFORE_UPDATE: dict[str, Callable[[Any, str], None]] = {
    "endpoint": old_endpoint,
    "inference-component": old_component,
}


def script(folder: Path) -> str:
    """A training script that is held: it counts steps, logs each, and goes on from its last checkpoint."""
    return (
        "import os, pathlib, sys, time\n"
        "base = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])\n"
        "checkpoint = base / 'checkpoints' / 'step'\n"
        "step = int(checkpoint.read_text()) if checkpoint.exists() else 0\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "release, log = folder / 'release', (folder / 'steps').open('a', buffering=1)\n"
        "(folder / 'started').touch()\n"
        "while not release.exists():\n"
        "    time.sleep(0.05)\n"
        "    step += 1\n"
        "    print(step, file=log)\n"
        f"    if checkpoint.parent.exists() and step % {CHECKPOINT_STEPS} == 0:\n"
        "        partial = checkpoint.with_suffix('.tmp')\n"
        "        partial.write_text(str(step))\n"
        "        partial.rename(checkpoint)\n"
        "if release.read_text() == 'fail': sys.exit('told to fail')\n"
        "print('loss=0.5')\n"
        "(pathlib.Path(os.environ['SM_MODEL_DIR']) / 'model').touch()\n"
    )


def archive(files: Mapping[str, str]) -> bytes:
    """A tar.gz of text files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
