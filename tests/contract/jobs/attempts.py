"""The attempts of one task, as Airflow's worker, triggerer and worker again run them, one step at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import BaseTrigger

from frugal.aws import clients
from frugal.aws.run import Inputs
from frugal.jobs.operator import JobOperator
from tests.contract.jobs.conftest import IMAGE, ROLE
from tests.contract.waiting import PATIENCE_SECONDS

SLEEP = "import time; time.sleep(3600)"
#: MaxRuntimeInSeconds: longer than any test waits.
LIMIT = 3600


class Killed(Exception):
    """In place of the SIGKILL that ends a worker."""


def processing_job(script: str, max_run: int = LIMIT) -> dict[str, Any]:
    """Members of CreateProcessingJob for a Python program, all but the name."""
    return {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", script]},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": max_run},
    }


def processing(script: str, max_run: int = LIMIT) -> Callable[[Inputs], dict[str, Any]]:
    """A processing job that runs a Python program."""
    return lambda inputs: processing_job(script, max_run)


def operator(
    task_id: str,
    script: str = "pass",
    *,
    max_run: int = LIMIT,
    kind: str = "processing",
    **arguments: Any,
) -> JobOperator:
    """The task, whose job is that processing job unless `requests` are given."""
    arguments.setdefault("requests", [processing(script, max_run)])
    return JobOperator(
        task_id=task_id, kind=kind, base_name=f"churn-{task_id}", upstream=["prepare"], **arguments
    )


def submit(job: JobOperator, context: Any) -> TaskDeferred:
    """Execute up to the deferral. Only for jobs that go on: of others nobody knows when they are over."""
    with pytest.raises(TaskDeferred) as deferred:
        job.execute(context)
    return deferred.value


def killed_after_submit(job: JobOperator, context: Any) -> None:
    """Execute up to the job's submission, and no further."""
    with patch.object(JobOperator, "_watch", side_effect=Killed), pytest.raises(Killed):
        job.execute(context)


def event_of(trigger: BaseTrigger) -> dict[str, Any]:
    """The trigger's one event, as the triggerer gets it."""

    async def first() -> dict[str, Any]:
        async for event in trigger.run():
            return dict(event.payload)
        raise AssertionError("the trigger ended without an event")

    return asyncio.run(asyncio.wait_for(first(), timeout=PATIENCE_SECONDS))


def finish(job: JobOperator, deferred: TaskDeferred, context: Any) -> dict[str, Any]:
    """Resume once the trigger fired, and again each time that the task deferred anew; the task's result."""
    while True:
        event = {"event": event_of(deferred.trigger)}
        try:
            result: dict[str, Any] = job.resume_execution(deferred.method_name, event, context)
        except TaskDeferred as again:
            deferred = again
        else:
            return result


def result_of(job: JobOperator, context: Any) -> dict[str, Any]:
    """The task's result, whether it had to wait for its job or not."""
    try:
        result: dict[str, Any] = job.execute(context)
    except TaskDeferred as deferred:
        return finish(job, deferred, context)
    return result


def jobs(task: str, region: str | None = None) -> list[dict[str, Any]]:
    """The processing jobs that AWS lists of a task, oldest first."""
    found: list[dict[str, Any]] = clients.client("sagemaker", region).list_processing_jobs(
        NameContains=f"churn-{task}", SortOrder="Ascending"
    )["ProcessingJobSummaries"]
    return found


def statuses(task: str, region: str | None = None) -> list[str]:
    """Their statuses."""
    return [job["ProcessingJobStatus"] for job in jobs(task, region)]
