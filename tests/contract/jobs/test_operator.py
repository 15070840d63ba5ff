"""JobOperator against the local AWS: what is started, adopted, stopped and called a success."""

from __future__ import annotations

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
from frugal.jobs.outcome import AlgorithmFailed, JobStopped, TimedOut
from tests.contract.jobs.attempts import (
    LIMIT,
    SLEEP,
    event_of,
    finish,
    jobs,
    killed_after_submit,
    operator,
    result_of,
    statuses,
    submit,
)
from tests.contract.jobs.conftest import BUCKET, IMAGE, ROLE, Account
from tests.contract.waiting import await_true

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
    "time.sleep(3600)"
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


def test_a_job_runs_once_and_says_what_it_billed(account: Account, task: str) -> None:
    result = result_of(operator(task), account.context(task))
    assert result["status"] == "Completed"
    assert result["seconds_billed"] > 0
    assert result["instance"] == "ml.m5.large"
    assert json.loads(json.dumps(result)) == result


def test_a_retry_after_a_crash_adopts_the_running_job(account: Account, task: str) -> None:
    retry = operator(task, SLEEP)
    first = submit(operator(task, SLEEP), account.context(task))
    second = submit(retry, account.context(task))
    assert first.trigger.serialize() == second.trigger.serialize()
    assert len(jobs(task)) == 1
    retry.on_kill()


@pytest.mark.parametrize("store", [True, False])
def test_a_retry_adopts_a_job_that_ended_meanwhile(
    account: Account, task: str, store: bool
) -> None:
    killed_after_submit(operator(task), account.context(task, store=store))
    await_true(lambda: statuses(task) == ["Completed"])
    result = operator(task).execute(account.context(task, store=store))
    assert result["status"] == "Completed"
    assert len(jobs(task)) == 1


@pytest.mark.parametrize("store", [True, False])
def test_a_clear_of_a_finished_task_starts_a_fresh_job(
    account: Account, task: str, store: bool
) -> None:
    for expected in (1, 2):
        context = account.context(task, store=store)
        context["ti"].max_tries += expected
        result_of(operator(task), context)
        assert len(jobs(task)) == expected


def test_a_dag_run_made_again_under_its_old_id_starts_a_fresh_job(
    account: Account, task: str
) -> None:
    result_of(operator(task), account.context(task))
    again = account.context(task, store=False)
    again["dag_run"] = SimpleNamespace(start_date=datetime.now(UTC) + timedelta(hours=1))
    result_of(operator(task), again)
    assert len(jobs(task)) == 2


def test_a_failure_names_the_containers_reason_and_only_a_clear_pays_for_it_again(
    account: Account, task: str
) -> None:
    for _ in range(2):
        with pytest.raises(AlgorithmFailed, match="has no column price"):
            result_of(operator(task, FAIL), account.context(task))
    assert len(jobs(task)) == 1
    cleared = account.context(task)
    cleared["ti"].max_tries += 1
    assert result_of(operator(task), cleared)["status"] == "Completed"
    assert len(jobs(task)) == 2


def test_no_job_starts_while_another_one_of_its_task_is_stopping(
    account: Account, task: str, tmp_path: Path
) -> None:
    """Both would write to one checkpoint prefix."""
    begun = tmp_path / "begun"
    submit(operator(task, LINGER.format(begun=str(begun))), account.context(task))
    await_true(begun.exists)
    cleared = account.context(task)
    cleared["ti"].max_tries += 1
    job = operator(task)
    waiting = submit(job, cleared)
    [first] = jobs(task)
    assert waiting.trigger.job == first["ProcessingJobName"]
    assert finish(job, waiting, cleared)["status"] == "Completed"
    first, second = jobs(task)
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
    assert result_of(operator(task), context)["status"] == "Completed"
    assert sorted(statuses(task)) == ["Completed", "Stopped"]


@pytest.mark.parametrize("state", ["failed", "skipped", "restarting", None])
def test_a_task_that_was_ended_while_it_submitted_stops_its_job(
    account: Account, task: str, state: str | None
) -> None:
    context = account.context(task)
    context["ti"].state = state
    with pytest.raises(JobStopped, match=f"became {state}"):
        operator(task, SLEEP).execute(context)
    await_true(lambda: statuses(task) == ["Stopped"])


def test_a_clear_stops_the_job_that_still_runs(account: Account, task: str) -> None:
    submit(operator(task, SLEEP), account.context(task))
    cleared = account.context(task)
    cleared["ti"].max_tries += 1
    assert result_of(operator(task), cleared)["status"] == "Completed"
    assert sorted(statuses(task)) == ["Completed", "Stopped"]


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
    assert len(jobs(task)) == 2


def test_a_tasks_own_timeout_ends_its_deferral(account: Account, task: str) -> None:
    job = operator(task, SLEEP, execution_timeout=timedelta(seconds=9))
    assert submit(job, account.context(task)).timeout == timedelta(seconds=9)
    job.on_kill()


def test_a_deferral_that_times_out_stops_the_job(account: Account, task: str) -> None:
    job, context = operator(task, SLEEP), account.context(task)
    deferred = submit(job, context)
    with pytest.raises(TaskDeferralTimeout):
        operator(task, SLEEP).resume_execution("__fail__", {"error": "Trigger timeout"}, context)
    assert event_of(deferred.trigger)["status"] == "Stopped"


def test_a_job_over_its_own_limit_is_no_success(account: Account, task: str) -> None:
    with pytest.raises(TimedOut):
        result_of(operator(task, SLEEP, max_run=1), account.context(task))


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
        waits = {"MaxWaitTimeInSeconds": LIMIT} if spot else {}
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
            "StoppingCondition": {"MaxRuntimeInSeconds": LIMIT, **waits},
        }

    context = account.context(task)
    job = operator(task, kind="training", requests=[rung(True), rung(False)])
    deferred = submit(job, context)
    name = deferred.trigger.job
    await_true(lambda: _checkpointed(account, task))
    no_spot = {"fault": "no-capacity", "job": name}
    [rule] = account.local.ask("POST", "/_local/faults", no_spot)["rules"]
    account.local.interrupt(name)
    account.local.ask("POST", "/_local/clock", {"Shift": LIMIT})
    result = finish(job, deferred, context)
    account.local.ask("POST", "/_local/clock", {"Shift": -LIMIT})
    account.local.ask("DELETE", f"/_local/faults/{rule['id']}")
    assert (result["rung"], result["spot"]) == (1, False)
    first = account.sagemaker.describe_training_job(TrainingJobName=name)
    assert first["TrainingJobStatus"] == "Stopped"
    assert first["SecondaryStatus"] == "MaxWaitTimeExceeded"


def _checkpointed(account: Account, task: str) -> bool:
    listed = account.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{task}/checkpoints")
    return bool(listed["KeyCount"])
