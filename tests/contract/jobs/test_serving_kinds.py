"""Transform jobs, inference components and endpoints of theirs, run by JobOperator on an AWS that really serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from frugal.aws import clients
from frugal.aws.tags import MODEL, as_list
from frugal.jobs.endpoint import ENDPOINT
from frugal.jobs.inference_component import INFERENCE_COMPONENT
from frugal.jobs.reaper import Reaper
from frugal.jobs.witness import ThisAirflow
from tests.contract.jobs.attempts import result_of
from tests.contract.jobs.conftest import BUCKET, IMAGE, ROLE, Account
from tests.contract.jobs.scripts import INSTANCE, archive, operator, put
from tests.contract.jobs.test_reaper import AnAirflow
from tests.contract.waiting import await_true

SERVE = """
def model_fn(folder): return 2.0
def input_fn(data, content_type): return [float(line) for line in data.split()]
def predict_fn(numbers, factor): return [factor * number for number in numbers]
def output_fn(numbers, accept): return "\\n".join(map(str, numbers))
"""


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


def make_host(account: Account, task: str) -> str:
    """An endpoint whose instances take inference components; its name."""
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
            "Tags": as_list({MODEL: task}),
        },
        "Endpoint": {"EndpointName": task, "EndpointConfigName": task},
    }
    context = account.context("host")
    result = result_of(operator("host", "endpoint", request, task), context)
    assert (result["job"], result["status"]) == (task, "InService")
    return task


@pytest.fixture
def host(account: Account, task: str) -> Iterator[str]:
    """An endpoint for the inference component `<name>-copies`."""
    yield make_host(account, task)
    INFERENCE_COMPONENT.remove(account.sagemaker, f"{task}-copies")
    await_true(lambda: INFERENCE_COMPONENT.find(account.sagemaker, f"{task}-copies") is None)
    account.sagemaker.delete_endpoint(EndpointName=task)


@pytest.mark.parametrize(
    ("state", "approved", "stays"),
    [("success", False, True), ("failed", True, True), ("failed", False, False)],
)
def test_an_endpoint_that_was_never_promoted_is_removed(
    account: Account,
    task: str,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    approved: bool,
    stays: bool,
) -> None:
    """It came to serve after its task had ended without it; one that is in use stays whatever became of that."""
    monkeypatch.setenv("FRUGAL_ENVIRONMENT", task)
    name = make_host(account, task)
    night = ThisAirflow(AnAirflow(over={"manual__1": {"host": state}}))
    reaper = Reaper(clients.client, task, night, promoted=lambda model: approved and model == task)
    reaped = reaper.reap(["us-east-1"])
    assert [item["name"] for item in (reaped.spared if stays else reaped.stopped)] == [name]
    assert (ENDPOINT.find(account.sagemaker, name) is not None) is stays
    if stays:
        account.sagemaker.delete_endpoint(EndpointName=name)


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
