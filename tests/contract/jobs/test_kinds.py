"""Tuning and transform jobs and inference components, run by JobOperator on an AWS that really executes them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from frugal.aws import clients
from frugal.aws.run import Run
from frugal.jobs.history import jobs_of
from frugal.jobs.inference_component import INFERENCE_COMPONENT
from frugal.jobs.operator import JobOperator
from frugal.jobs.outcome import AlgorithmFailed
from frugal.jobs.reaper import Reaper
from frugal.jobs.tuning import TUNING
from frugal.jobs.witness import ThisAirflow
from tests.contract.jobs.conftest import BUCKET, IMAGE, ROLE, Account
from tests.contract.jobs.test_operator import finish, submit, until
from tests.contract.jobs.test_reaper import AnAirflow

PATIENCE = 180
INSTANCE = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
TRAIN = """
import os, pathlib, sys, time
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
time.sleep(float(arguments["--seconds"]))
if arguments["--tells"] == "yes":
    print("loss=" + arguments["--eta"])
pathlib.Path(os.environ["SM_MODEL_DIR"], "model").write_text("1")
"""
SERVE = """
def model_fn(folder): return 2.0
def input_fn(data, content_type): return [float(line) for line in data.split()]
def predict_fn(numbers, factor): return [factor * number for number in numbers]
def output_fn(numbers, accept): return "\\n".join(map(str, numbers))
"""


def archive(**files: str) -> bytes:
    """A tar.gz of modules."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{name}.py")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def put(account: Account, key: str, body: bytes) -> str:
    account.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def run_of(account: Account, task: str) -> Run:
    """A run that no other test has jobs of."""
    prepared = account.context(task)["ti"].xcoms["prepare"]
    return Run.from_json({**prepared, "id": task})


def tuning(account: Account, task: str, *, seconds: float = 0, tells: str = "yes") -> JobOperator:
    """Two training jobs, whose loss is their learning rate."""
    source = put(account, f"{task}/source.tar.gz", archive(train=TRAIN))
    eta = {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.9"}
    metric = {"Name": "loss", "Regex": "loss=([0-9.]+)"}
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": 2,
                "MaxParallelTrainingJobs": 2,
                "MaxRuntimeInSeconds": 600,
            },
            "ParameterRanges": {"ContinuousParameterRanges": [eta]},
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": f'"{source}"',
                "seconds": str(seconds),
                "tells": f'"{tells}"',
            },
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [metric],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{task}/model"},
            "ResourceConfig": {**INSTANCE, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        },
        "Tags": run_of(account, task).stage_tags("tune"),
    }
    return operator(task, "tuning", request)


def operator(task: str, kind: str, request: dict[str, Any], name: str = "churn") -> JobOperator:
    return JobOperator(
        task_id=task,
        kind=kind,
        base_name=name,
        requests=[lambda inputs: request],
        upstream=["prepare"],
    )


def result_of(job: JobOperator, context: Any) -> dict[str, Any]:
    """What the task returns, whether it had to wait or not."""
    try:
        return job.execute(context)
    except TaskDeferred as deferred:
        return finish(job, deferred, context)


def children(account: Account, job: str) -> dict[str, str]:
    """Status of each of a tuning job's training jobs."""
    listed = account.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=job
    )["TrainingJobSummaries"]
    return {item["TrainingJobName"]: item["TrainingJobStatus"] for item in listed}


def test_a_tuning_job_returns_its_best_model_and_the_bill_of_all(
    account: Account, task: str
) -> None:
    context = account.context(task)
    job = tuning(account, task)
    result = result_of(job, context)
    described = account.sagemaker.describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=result["job"]
    )
    assert described["BestTrainingJob"]["TrainingJobName"] in result["artifact"]
    billed = [
        account.sagemaker.describe_training_job(TrainingJobName=name)["BillableTimeInSeconds"]
        for name in children(account, result["job"])
    ]
    assert len(billed) == 2
    assert result["seconds_billed"] == sum(billed) > 0
    [told] = jobs_of(run_of(account, task), {})["tune"]
    assert (told["job"], told["seconds_billed"]) == (result["job"], result["seconds_billed"])


def test_a_tuning_job_that_never_learned_its_objective_is_no_success(
    account: Account, task: str
) -> None:
    context = account.context(task)
    job = tuning(account, task, tells="no")
    with pytest.raises(AlgorithmFailed):
        result_of(job, context)


def test_stopping_a_tuning_job_stops_its_training_jobs(account: Account, task: str) -> None:
    """The reaper leaves them to it, though AWS gives them its tags, and stops it when its run is over."""
    job = tuning(account, task, seconds=600)
    submit(job, account.context(task))
    _, watched = job._watched or (None, None)
    assert watched is not None
    until(lambda: list(children(account, watched.name).values()) == ["InProgress"] * 2, PATIENCE)
    run = ("train_churn", "manual__1")
    goes_on = Reaper(
        clients.client, "dev", ThisAirflow(AnAirflow(active={run[1]: {task: "deferred"}}))
    )
    spared = goes_on.reap(["us-east-1"], run=run).spared
    assert [item["name"] for item in spared if item["name"].startswith(watched.name)] == [
        watched.name
    ]
    job.on_kill()
    until(lambda: set(children(account, watched.name).values()) == {"Stopped"}, PATIENCE)
    until(
        lambda: (
            (TUNING.find(account.sagemaker, watched.name) or {}).get(TUNING.status_key) == "Stopped"
        ),
        PATIENCE,
    )


@pytest.fixture
def model(account: Account, task: str) -> dict[str, Any]:
    """CreateModel's request for a server that doubles."""
    code = put(account, f"{task}/serve.tar.gz", archive(inference=SERVE))
    return {
        "ModelName": task,
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {
            "Image": IMAGE,
            "ModelDataUrl": put(account, f"{task}/model.tar.gz", archive(nothing="")),
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": code,
            },
        },
    }


def test_a_transform_job_bills_and_leaves_its_output(
    account: Account, task: str, model: dict[str, Any]
) -> None:
    account.sagemaker.create_model(**model)
    rows = put(account, f"{task}/in/rows.csv", b"1\n2\n")
    source = {"S3DataType": "S3Prefix", "S3Uri": rows}
    request = {
        "ModelName": task,
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/{task}/out"},
        "TransformResources": INSTANCE,
    }
    context = account.context(task)
    job = operator(task, "transform", request)
    result = result_of(job, context)
    assert result["artifact"] == f"s3://{BUCKET}/{task}/out"
    assert result["seconds_billed"] > 0
    output = account.s3.get_object(Bucket=BUCKET, Key=f"{task}/out/rows.csv.out")
    assert output["Body"].read().split() == [b"2.0", b"4.0"]


@pytest.fixture
def host(account: Account, task: str) -> Iterator[str]:
    """An endpoint whose instances take inference components."""
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 1}
    variant = {
        "VariantName": "main",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": scaling,
    }
    request = {
        "Models": [],
        "EndpointConfig": {
            "EndpointConfigName": task,
            "ExecutionRoleArn": ROLE,
            "ProductionVariants": [variant],
        },
        "Endpoint": {"EndpointName": task, "EndpointConfigName": task},
    }
    context = account.context(f"{task}-host")
    job = operator(f"{task}-host", "endpoint", request, task)
    assert result_of(job, context)["status"] == "InService"
    yield task
    INFERENCE_COMPONENT.remove(account.sagemaker, f"{task}-copies")
    until(lambda: INFERENCE_COMPONENT.find(account.sagemaker, f"{task}-copies") is None, PATIENCE)
    account.sagemaker.delete_endpoint(EndpointName=task)


def test_an_inference_component_is_made_then_changed_under_its_one_name(
    account: Account, task: str, model: dict[str, Any], host: str
) -> None:
    account.sagemaker.create_model(**model)
    context = account.context(task)
    for memory in (256, 512):
        needs = {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": memory}
        request = {
            "EndpointName": host,
            "VariantName": "main",
            "Specification": {"ModelName": task, "ComputeResourceRequirements": needs},
            "RuntimeConfig": {"CopyCount": 1},
        }
        job = operator(task, "inference-component", request, f"{task}-copies")
        result = result_of(job, context)
        assert (result["job"], result["status"]) == (f"{task}-copies", "InService")
        described = account.sagemaker.describe_inference_component(
            InferenceComponentName=f"{task}-copies"
        )
        assert described["Specification"]["ComputeResourceRequirements"] == needs
    assert job.execute(context)["status"] == "InService"
