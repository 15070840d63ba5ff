"""JobOperator against the local AWS: what is started, adopted, stopped and called a success."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferralTimeout, TaskDeferred

from frugal.aws.run import Inputs
from frugal.jobs.operator import JobOperator
from frugal.jobs.outcome import AlgorithmFailed, JobStopped, TimedOut
from tests.contract.jobs.conftest import BUCKET, IMAGE, ROLE, Account
from tests.contract.waiting import await_true

SLEEP = "import time; time.sleep(60)"
FAIL = (
    "import os, pathlib, sys;"
    "base = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR']);"
    "(base / 'output').mkdir(exist_ok=True);"
    "(base / 'output' / 'message').write_text('the raw data has no column price');"
    "sys.exit(1)"
)
LINGER = (
    "import pathlib, signal, time;"
    "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), exit(0)));"
    "pathlib.Path({begun!r}).touch();"
    "time.sleep(60)"
)
TRAIN = """
import os, pathlib, sys, time
seen = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", "seen")
resumed = seen.exists()
seen.write_text("1")
while not (resumed and "--last-rung" in sys.argv):
    time.sleep(0.05)
pathlib.Path(os.environ["SM_MODEL_DIR"], "resumed").write_text("1")
"""


def processing(script: str, max_run: int = 60) -> Callable[[Inputs], dict[str, Any]]:
    return lambda inputs: {
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


def operator(
    task_id: str,
    script: str = "pass",
    *,
    max_run: int = 60,
    kind: str = "processing",
    **arguments: Any,
) -> JobOperator:
    arguments.setdefault("requests", [processing(script, max_run)])
    return JobOperator(
        task_id=task_id, kind=kind, base_name=f"churn-{task_id}", upstream=["prepare"], **arguments
    )


def submit(job: JobOperator, context: Any) -> TaskDeferred:
    """Execute up to the deferral, as a worker does."""
    with pytest.raises(TaskDeferred) as deferred:
        job.execute(context)
    return deferred.value


def wait(deferred: TaskDeferred) -> dict[str, Any]:
    """The trigger's one event, as the triggerer gets it."""

    async def first() -> dict[str, Any]:
        async for event in deferred.trigger.run():
            return dict(event.payload)
        raise AssertionError("the trigger ended without an event")

    return asyncio.run(asyncio.wait_for(first(), timeout=60))


def finish(job: JobOperator, deferred: TaskDeferred, context: Any) -> dict[str, Any]:
    """Resume as a worker does once the trigger fired, and again each time that the task deferred anew."""
    event = {"event": wait(deferred)}
    try:
        result: dict[str, Any] = job.resume_execution(deferred.method_name, event, context)
    except TaskDeferred as again:
        return finish(job, again, context)
    return result


def jobs(account: Account, task: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.sagemaker.list_processing_jobs(
        NameContains=f"churn-{task}"
    )["ProcessingJobSummaries"]
    return found


def test_a_job_runs_once_and_says_what_it_billed(account: Account, task: str) -> None:
    job, context = operator(task), account.context(task)
    result = finish(job, submit(job, context), context)
    assert result["status"] == "Completed"
    assert result["seconds_billed"] > 0
    assert result["instance"] == "ml.m5.large"
    assert json.loads(json.dumps(result)) == result


def test_a_retry_after_a_crash_adopts_the_running_job(account: Account, task: str) -> None:
    first = submit(operator(task, SLEEP), account.context(task))
    second = submit(operator(task, SLEEP), account.context(task))
    assert first.trigger.serialize() == second.trigger.serialize()
    assert len(jobs(account, task)) == 1
    operator_to_stop = operator(task, SLEEP)
    submit(operator_to_stop, account.context(task))
    operator_to_stop.on_kill()


@pytest.mark.parametrize("store", [True, False])
def test_a_retry_adopts_a_job_that_ended_meanwhile(
    account: Account, task: str, store: bool
) -> None:
    wait(submit(operator(task), account.context(task, store=store)))
    result = operator(task).execute(account.context(task, store=store))
    assert result["status"] == "Completed"
    assert len(jobs(account, task)) == 1


@pytest.mark.parametrize("store", [True, False])
def test_a_clear_of_a_finished_task_starts_a_fresh_job(
    account: Account, task: str, store: bool
) -> None:
    for expected in (1, 2):
        job, context = operator(task), account.context(task, store=store)
        context["ti"].max_tries += expected
        finish(job, submit(job, context), context)
        assert len(jobs(account, task)) == expected


@pytest.mark.parametrize("store", [True, False])
def test_a_dag_run_made_again_under_its_old_id_starts_a_fresh_job(
    account: Account, task: str, store: bool
) -> None:
    job, context = operator(task), account.context(task, store=store)
    finish(job, submit(job, context), context)
    again = account.context(task, store=False)
    again["dag_run"] = SimpleNamespace(start_date=datetime.now(UTC) + timedelta(hours=1))
    finish(job, submit(job, again), again)
    assert len(jobs(account, task)) == 2


@pytest.mark.parametrize("store", [True, False])
def test_a_failure_names_the_containers_reason_and_only_a_clear_pays_for_it_again(
    account: Account, task: str, store: bool
) -> None:
    job, context = operator(task, FAIL), account.context(task, store=store)
    deferred = submit(job, context)
    with pytest.raises(AlgorithmFailed, match="has no column price"):
        finish(job, deferred, context)
    with pytest.raises(AlgorithmFailed, match="has no column price"):
        operator(task, FAIL).execute(account.context(task, store=store))
    assert len(jobs(account, task)) == 1
    cleared = account.context(task, store=store)
    cleared["ti"].max_tries += 1
    again = operator(task)
    assert finish(again, submit(again, cleared), cleared)["status"] == "Completed"
    assert len(jobs(account, task)) == 2


@pytest.mark.parametrize("store", [True, False])
def test_no_job_starts_while_another_one_of_its_task_is_stopping(
    account: Account, task: str, store: bool, tmp_path: Path
) -> None:
    """Both would write to one checkpoint prefix."""
    begun = tmp_path / "begun"
    submit(operator(task, LINGER.format(begun=str(begun))), account.context(task, store=store))
    await_true(begun.exists)
    cleared = account.context(task, store=store)
    cleared["ti"].max_tries += 1
    job = operator(task)
    waiting = submit(job, cleared)
    [first] = jobs(account, task)
    assert waiting.trigger.job == first["ProcessingJobName"]
    assert finish(job, waiting, cleared)["status"] == "Completed"
    first, second = jobs(account, task)  # oldest first
    stopped = account.sagemaker.describe_processing_job(
        ProcessingJobName=first["ProcessingJobName"]
    )
    assert stopped["ProcessingJobStatus"] == "Stopped"
    assert second["CreationTime"] >= stopped["ProcessingEndTime"]


def test_a_killed_worker_stops_the_job_and_the_next_attempt_starts_another(
    account: Account, task: str
) -> None:
    job, context = operator(task, SLEEP), account.context(task)
    deferred = submit(job, context)
    job.on_kill()
    with pytest.raises(JobStopped):
        finish(job, deferred, context)
    again = operator(task)
    result = finish(again, submit(again, context), context)
    assert result["status"] == "Completed"
    assert sorted(item["ProcessingJobStatus"] for item in jobs(account, task)) == [
        "Completed",
        "Stopped",
    ]


@pytest.mark.parametrize("state", ["failed", "skipped", "restarting", None])
def test_a_task_that_was_ended_while_it_submitted_stops_its_job(
    account: Account, task: str, state: str | None
) -> None:
    context = account.context(task)
    context["ti"].state = state
    with pytest.raises(JobStopped, match=f"became {state}"):
        operator(task, SLEEP).execute(context)
    await_true(lambda: [job["ProcessingJobStatus"] for job in jobs(account, task)] == ["Stopped"])


def test_a_clear_stops_the_job_that_still_runs(account: Account, task: str) -> None:
    submit(operator(task, SLEEP), account.context(task))
    cleared = account.context(task)
    cleared["ti"].max_tries += 1
    job = operator(task)
    assert finish(job, submit(job, cleared), cleared)["status"] == "Completed"
    assert sorted(item["ProcessingJobStatus"] for item in jobs(account, task)) == [
        "Completed",
        "Stopped",
    ]


def test_an_attempt_that_is_resumed_after_a_clear_begins_afresh(
    account: Account, task: str
) -> None:
    first = submit(operator(task, SLEEP), account.context(task))
    cleared = account.context(task)
    cleared["ti"].max_tries += 1
    job = operator(task)
    with pytest.raises(TaskDeferred) as again:
        job.resume(cleared, {**first.trigger.note, "job": first.trigger.job, "region": None})
    assert finish(job, again.value, cleared)["status"] == "Completed"
    assert len(jobs(account, task)) == 2


def test_a_tasks_own_timeout_ends_its_deferral(account: Account, task: str) -> None:
    job = operator(task, SLEEP, execution_timeout=timedelta(seconds=9))
    assert submit(job, account.context(task)).timeout == timedelta(seconds=9)
    job.on_kill()


def test_a_deferral_that_times_out_stops_the_job(account: Account, task: str) -> None:
    job, context = operator(task, SLEEP), account.context(task)
    deferred = submit(job, context)
    with pytest.raises(TaskDeferralTimeout):
        operator(task, SLEEP).resume_execution("__fail__", {"error": "Trigger timeout"}, context)
    assert wait(deferred)["status"] == "Stopped"


def test_a_job_over_its_own_limit_is_no_success(account: Account, task: str) -> None:
    job, context = operator(task, SLEEP, max_run=1), account.context(task)
    deferred = submit(job, context)
    with pytest.raises(TimedOut):
        finish(job, deferred, context)


def test_lost_spot_capacity_moves_to_the_next_rung_which_resumes(
    account: Account, task: str
) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(TRAIN.encode())
        tar.addfile(entry, io.BytesIO(TRAIN.encode()))
    account.s3.put_object(Bucket=BUCKET, Key=f"{task}.tar.gz", Body=archive.getvalue())

    def rung(spot: bool) -> Callable[[Inputs], dict[str, Any]]:
        waits = {"MaxWaitTimeInSeconds": 4} if spot else {}
        last = {} if spot else {"last-rung": "1"}
        return lambda inputs: {
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": f'"s3://{BUCKET}/{task}.tar.gz"',
                **last,
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{task}/model"},
            "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/{task}/checkpoints"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.xlarge",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "EnableManagedSpotTraining": spot,
            "StoppingCondition": {"MaxRuntimeInSeconds": 4 if spot else 60, **waits},
        }

    context = account.context(task)
    job = operator(task, kind="training", requests=[rung(True), rung(False)])
    deferred = submit(job, context)
    name = deferred.trigger.job
    await_true(lambda: _checkpointed(account, task))
    account.local.interrupt(name)
    result = finish(job, deferred, context)
    assert (result["rung"], result["spot"]) == (1, False)
    first = account.sagemaker.describe_training_job(TrainingJobName=name)
    assert first["TrainingJobStatus"] == "Stopped"
    assert first["SecondaryStatus"] == "MaxWaitTimeExceeded"


def _checkpointed(account: Account, task: str) -> bool:
    listed = account.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{task}/checkpoints")
    return bool(listed["KeyCount"])
