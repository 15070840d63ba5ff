"""Two Airflows that share an account, each with a FRUGAL_ENVIRONMENT, keep their hands off each other's things."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import TaskDeferred

from frugal.aws.prepare import place
from frugal.aws.registry import OtherEnvironment
from frugal.aws.tags import ENVIRONMENT, MANAGED_BY, as_list
from frugal.jobs.adoption import TaskJobs
from frugal.jobs.kinds import TRAINING
from frugal.spec import parse_spec
from tests.contract.jobs.attempts import SLEEP, operator, statuses, submit
from tests.contract.jobs.conftest import Account
from tests.specs import shortest


def test_the_same_task_of_the_same_run_has_other_jobs(
    account: Account, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set()
    for environment in ("dev", "prod"):
        monkeypatch.setenv("FRUGAL_ENVIRONMENT", environment)
        jobs = TaskJobs.of(TRAINING, "churn-train", account.context(task))
        names.add(jobs.job(0, 0, None).name)
        assert jobs.parse(jobs.job(0, 0, None).name)
    assert len(names) == 2


def test_a_deferred_task_goes_on_with_its_job_when_the_environment_gets_another_name(
    account: Account, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deferred = submit(operator(task, SLEEP), account.context(task))
    event = {**deferred.trigger.note, "job": deferred.trigger.job, "region": None, "waited": False}
    monkeypatch.setenv("FRUGAL_ENVIRONMENT", "renamed")
    resumed = operator(task, SLEEP)
    with pytest.raises(TaskDeferred) as again:
        resumed.resume(account.context(task), event)
    assert again.value.trigger.job == deferred.trigger.job
    assert statuses(task) == ["InProgress"]
    resumed.on_kill()


def test_a_model_of_another_environment_stops_the_run_before_anything_bills(
    account: Account, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = parse_spec(shortest(task))
    account.sagemaker.create_model_package_group(
        ModelPackageGroupName=task, Tags=as_list({**MANAGED_BY, ENVIRONMENT: "prod"})
    )
    with pytest.raises(
        OtherEnvironment, match=f"group {task} in us-east-1 of the environment prod"
    ):
        place(spec, "manual-1")
    monkeypatch.setenv("FRUGAL_ENVIRONMENT", "prod")
    ours = place(spec, "manual-1").id
    monkeypatch.setenv("FRUGAL_ENVIRONMENT", "dev")
    assert place(parse_spec(shortest(f"{task}-2")), "manual-1").id != ours
