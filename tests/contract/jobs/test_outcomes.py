"""What a task makes of each way in which AWS says that a job or an endpoint ended. AWS's answers are given here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from frugal.aws import clients
from frugal.jobs.adoption import TaskJobs
from frugal.jobs.kinds import KINDS
from frugal.jobs.operator import JobOperator
from frugal.jobs.outcome import (
    AlgorithmFailed,
    CapacityUnavailable,
    JobError,
    JobStopped,
    RolledBack,
    ServiceFailed,
    TimedOut,
)
from frugal.jobs.trigger import JobTrigger
from tests.contract.jobs.attempts import event_of
from tests.contract.jobs.conftest import Account

Answer = Callable[..., None]
START = datetime(2026, 1, 1, tzinfo=UTC)
RAN = {"TrainingStartTime": START, "TrainingEndTime": START + timedelta(seconds=60)}
ENDED = {"region": None, "waited": False, "ladder": None, "given_up": False}
REQUEST = {
    "Models": [],
    "EndpointConfig": {"EndpointConfigName": "new"},
    "Endpoint": {},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}


@pytest.fixture
def answer(account: Account) -> Iterator[Answer]:
    """Let AWS describe every training job and endpoint as told."""
    told: list[tuple[str, Callable[..., Any]]] = []
    events = clients.client("sagemaker").meta.events

    def tell(operation: str, **description: Any) -> None:
        response = SimpleNamespace(status_code=HTTPStatus.OK)
        told.append((f"before-call.sagemaker.{operation}", lambda **_: (response, description)))
        events.register(*told[-1])

    yield tell
    for name, handler in told:
        events.unregister(name, handler)


def operator(kind: str) -> JobOperator:
    return JobOperator(
        task_id="task",
        kind=kind,
        base_name="churn",
        requests=[lambda inputs: REQUEST],
        upstream=["prepare"],
    )


def resume(account: Account, kind: str) -> dict[str, Any]:
    """What the task returns, or raises, when its trigger fired."""
    context = account.context("task")
    jobs = TaskJobs.of(KINDS[kind], "churn", context)
    name = jobs.job(0, 0, None).name if KINDS[kind].one_per_attempt else "churn"
    event = {"event": {**ENDED, "job": name}}
    result: dict[str, Any] = operator(kind).resume_execution("resume", event, context)
    return result


def training(status: str, **changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": "churn",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/churn",
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "EnableManagedSpotTraining": True,
        "CreationTime": START,
        **changes,
    }


@pytest.mark.parametrize(
    ("description", "error", "ends"),
    [
        (training("Stopped", SecondaryStatus="MaxWaitTimeExceeded"), CapacityUnavailable, False),
        (
            training("Stopped", SecondaryStatus="MaxWaitTimeExceeded", **RAN),
            CapacityUnavailable,
            False,
        ),
        (training("Stopped", SecondaryStatus="MaxRuntimeExceeded", **RAN), TimedOut, True),
        (training("Stopped", **RAN), JobStopped, False),
        (training("Failed", FailureReason="CapacityError: none"), CapacityUnavailable, False),
        (training("Failed", FailureReason="InternalServerError: sorry"), ServiceFailed, False),
        (training("Failed", FailureReason="AlgorithmError: exit 1"), AlgorithmFailed, True),
    ],
)
def test_a_job_that_did_not_complete_is_no_success(
    account: Account,
    answer: Answer,
    description: dict[str, Any],
    error: type[JobError],
    ends: bool,
) -> None:
    """`ends`: whether the task fails at once, as the same again would fail, and bill, again."""
    answer("DescribeTrainingJob", **description)
    with pytest.raises(error) as raised:
        resume(account, "training")
    assert type(raised.value) is error
    assert isinstance(raised.value, AirflowFailException) is ends


def test_a_job_that_never_ran_bills_nothing(account: Account, answer: Answer) -> None:
    """AWS leaves out BillableTimeInSeconds of spot that never came."""
    answer("DescribeTrainingJob", **training("Completed"))
    assert resume(account, "training")["seconds_billed"] == 0


def endpoint(status: str, config: str, **changes: Any) -> dict[str, Any]:
    return {
        "EndpointName": "churn",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn",
        "EndpointConfigName": config,
        "EndpointStatus": status,
        **changes,
    }


@pytest.mark.parametrize(
    ("description", "error"),
    [
        (endpoint("InService", "old"), RolledBack),
        (endpoint("UpdateRollbackFailed", "new"), RolledBack),
        (endpoint("Failed", "new", FailureReason="did not pass the ping"), AlgorithmFailed),
        (endpoint("OutOfService", "new"), AlgorithmFailed),
    ],
)
def test_an_endpoint_that_does_not_serve_what_was_asked_for_is_no_success(
    account: Account, answer: Answer, description: dict[str, Any], error: type[JobError]
) -> None:
    answer("DescribeEndpoint", **description)
    with pytest.raises(error) as raised:
        resume(account, "endpoint")
    assert type(raised.value) is error
    assert isinstance(raised.value, AirflowFailException)


def test_an_endpoint_that_serves_what_was_asked_for_is_one(
    account: Account, answer: Answer
) -> None:
    answer("DescribeEndpoint", **endpoint("InService", "new"))
    assert resume(account, "endpoint")["status"] == "InService"


@pytest.mark.parametrize("status", ["RollingBack", "Updating", "SystemUpdating"])
def test_an_endpoint_that_changes_is_waited_for(
    account: Account, answer: Answer, status: str
) -> None:
    answer("DescribeEndpoint", **endpoint(status, "old"))
    with pytest.raises(TaskDeferred):
        resume(account, "endpoint")

    async def watch() -> None:
        async for _ in JobTrigger("endpoint", "churn", 0.01).run():
            pytest.fail("the trigger fired")

    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(watch(), timeout=0.3))


def test_what_is_gone_is_no_success(account: Account) -> None:
    with pytest.raises(JobStopped, match="was deleted"):
        resume(account, "training")
    assert event_of(JobTrigger("training", "gone", 0.01))["status"] is None
