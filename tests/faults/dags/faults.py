"""DAGs of one task, one for each kind of job, whose job goes on until the file `release` appears.

A DAG run's params say in which folder the files are, what the job's name starts with, and at which
point of its life the first attempt's process kills itself, or waits.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Context

from frugal.aws.run import Inputs, Run
from frugal.jobs.operator import JobOperator

BUCKET = "frugal-faults"
REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/frugal-train"
IMAGE = f"{REGISTRY}/sagemaker-xgboost:3.0-5"
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
RUN = Run(
    id="faults",
    model="faults",
    region="us-east-1",
    account="123456789012",
    bucket=BUCKET,
    role_prefix="frugal-",
    code="",
    source="",
    code_hash="",
    fingerprint="",
    tags={},
)
HELD = str(Path(__file__).parents[1] / "held.py")


class Subject(JobOperator):
    """The operator under test: its run is given, and a param says where its first attempt dies or waits."""

    def execute(self, context: Context) -> dict[str, Any]:
        self.reach(context, "before submit")
        return super().execute(context)

    def defer(self, **arguments: Any) -> Any:
        self.reach(self.context, "before defer")
        super().defer(**arguments)

    def resume(self, context: Context, *arguments: Any, **named: Any) -> dict[str, Any]:
        self.reach(context, "when resumed")
        return super().resume(context, *arguments, **named)

    def reach(self, context: Context, point: str) -> None:
        """Die as by the kernel's out-of-memory killer, or wait for the end that somebody else brings."""
        at = context["params"]["at"] if context["ti"].try_number == 1 else ""
        if at == f"die {point}":
            os.kill(os.getpid(), signal.SIGKILL)
        while at == f"wait {point}":
            time.sleep(0.05)

    def _inputs(self, context: Context) -> Inputs:
        self.context = context
        self.base_name = context["params"]["name"]
        return Inputs(run=RUN, results={}, params=dict(context["params"]))


def processing(inputs: Inputs) -> dict[str, Any]:
    return {
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", HELD, inputs.params["folder"]],
        },
        "ProcessingResources": {"ClusterConfig": CLUSTER},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }


def training(inputs: Inputs) -> dict[str, Any]:
    uri = f"s3://{BUCKET}/{inputs.params['name']}"
    return {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"{uri}/source.tar.gz"',
        },
        "OutputDataConfig": {"S3OutputPath": f"{uri}/model"},
        "CheckpointConfig": {"S3Uri": f"{uri}/checkpoints"},
        "ResourceConfig": CLUSTER,
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 300, "MaxWaitTimeInSeconds": 300},
    }


def compilation(inputs: Inputs) -> dict[str, Any]:
    uri = f"s3://{BUCKET}/{inputs.params['name']}"
    return {
        "RoleArn": ROLE,
        "InputConfig": {
            "S3Uri": f"{uri}/source.tar.gz",
            "Framework": "XGBOOST",
            "DataInputConfig": '{"data":[1,2]}',
        },
        "OutputConfig": {"S3OutputLocation": f"{uri}/compiled", "TargetDevice": "ml_c5"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }


def endpoint(inputs: Inputs) -> dict[str, Any]:
    name = inputs.params["name"]
    variant = {
        "VariantName": "main",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    return {
        "Model": {
            "ModelName": name,
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {
                "Image": IMAGE,
                "ModelDataUrl": f"s3://{BUCKET}/{name}/source.tar.gz",
            },
        },
        "EndpointConfig": {"EndpointConfigName": name, "ProductionVariants": [variant]},
        "Endpoint": {
            "EndpointName": name,
            "EndpointConfigName": name,
            "Tags": inputs.run.stage_tags("deploy"),
        },
    }


BUILDERS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "processing": processing,
    "training": training,
    "compilation": compilation,
    "endpoint": endpoint,
}
PARAMS = {"folder": str(Path()), "name": "", "at": ""}


def one_task(kind: str, variant: str = "", *, retries: int = 1, **arguments: Any) -> DAG:
    """The DAG `<kind>` or `<kind>_<variant>` with the task `job`."""
    limits = {key: arguments.pop(key) for key in ("dagrun_timeout",) if key in arguments}
    name = f"{kind}_{variant}" if variant else kind
    with DAG(dag_id=name, schedule=None, params=PARAMS, **limits) as dag:
        Subject(
            task_id="job",
            kind=kind,
            base_name=kind,
            requests=[BUILDERS[kind]],
            upstream=[],
            retries=retries,
            retry_delay=timedelta(seconds=0),
            **arguments,
        )
    return dag


for kind in BUILDERS:
    globals()[kind] = one_task(kind)
    globals()[f"{kind}_task"] = one_task(
        kind, "task_timeout", retries=0, execution_timeout=timedelta(seconds=5)
    )
    globals()[f"{kind}_run"] = one_task(
        kind, "run_timeout", retries=0, dagrun_timeout=timedelta(seconds=5)
    )
