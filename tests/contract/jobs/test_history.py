"""Everything that AWS ran for a run is found again, whatever became of it."""

from __future__ import annotations

import uuid
from contextlib import suppress

from botocore.exceptions import WaiterError

from frugal.aws.run import Run
from frugal.jobs.history import jobs_of
from tests.contract.jobs.attempts import processing_job
from tests.contract.jobs.conftest import Account


def test_failed_attempts_are_found_and_billed(account: Account) -> None:
    prepared = account.context("evaluate")["ti"].xcoms["prepare"]
    run = Run.from_json({**prepared, "id": f"run-{uuid.uuid4().hex[:8]}"})
    waiter = account.sagemaker.get_waiter("processing_job_completed_or_stopped")
    for name, script in ((f"{run.id}-b", "raise SystemExit(1)"), (f"{run.id}-a", "pass")):
        account.sagemaker.create_processing_job(
            ProcessingJobName=name, Tags=run.stage_tags("evaluate"), **processing_job(script)
        )
        with suppress(WaiterError):  # as it does for a job that failed
            waiter.wait(ProcessingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 240})
    jobs = jobs_of(run, {})["evaluate"]
    assert [job["job"] for job in jobs] == [f"{run.id}-b", f"{run.id}-a"]
    assert all(job["seconds_billed"] > 0 for job in jobs)
    assert jobs[0]["reason"]
    assert not jobs[1]["reason"]


def test_what_a_task_left_completes_a_tagging_api_that_is_behind(account: Account) -> None:
    prepared = account.context("evaluate")["ti"].xcoms["prepare"]
    run = Run.from_json({**prepared, "id": f"run-{uuid.uuid4().hex[:8]}"})
    result = {"job": "churn-evaluate-1", "seconds_billed": 3.0}
    assert [job["job"] for job in jobs_of(run, {"evaluate": result})["evaluate"]] == [
        "churn-evaluate-1"
    ]
    assert jobs_of(run, {"evaluate": None}) == {"evaluate": []}
