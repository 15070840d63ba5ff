"""The reaper stops what bills for nobody, on an AWS where it really runs, and nothing else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from frugal.aws import clients
from frugal.aws.tags import TaskKey, as_list
from frugal.cli import app
from frugal.jobs.reaper import NotStopped, Reaped, Reaper
from frugal.jobs.underway import find
from frugal.jobs.witness import ThisAirflow
from tests.contract.jobs.conftest import IMAGE, ROLE, Account
from tests.contract.waiting import await_true

REGION = "us-east-1"


@dataclass
class AnAirflow:
    """What a task instance of some Airflow knows of DAG runs: {run id: {task id: state}}."""

    active: dict[str, dict[str, str | None]] = field(default_factory=dict)
    over: dict[str, dict[str, str | None]] = field(default_factory=dict)

    def get_dr_count(self, dag_id: str, run_ids: list[str], states: list[str] | None) -> int:
        known = self.active if states else self.active | self.over
        return sum(run_id in known for run_id in run_ids)

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, Any]]:
        known = self.active | self.over
        return {run_id: known[run_id] for run_id in run_ids if run_id in known}


@dataclass
class Jobs:
    """Jobs that go on until they are stopped, in an environment of this test alone."""

    account: Account
    environment: str
    names: list[str] = field(default_factory=list)

    def start(self, task: TaskKey | None, environment: str | None = None) -> str:
        """Start one with the tags of `task`, or with none of ours."""
        name = f"reap-{uuid.uuid4().hex[:8]}"
        tags = task.as_tags(environment or self.environment) if task else {"ManagedBy": "terraform"}
        self.account.sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=ROLE,
            AppSpecification={
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", "-c", "import time; time.sleep(3600)"],
            },
            ProcessingResources={
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 1,
                }
            },
            StoppingCondition={"MaxRuntimeInSeconds": 3600},
            Tags=as_list(tags),
        )
        self.names.append(name)
        return name

    def reap(self, airflow: AnAirflow | None, **settings: Any) -> Reaped:
        """One look at the region."""
        witness = ThisAirflow(airflow) if airflow else None
        only = settings.pop("run", None)
        reaper = Reaper(clients.client, self.environment, witness, **settings)
        return reaper.reap([REGION], run=only)

    def is_stopped(self, name: str) -> bool:
        """Whether AWS was told to stop it."""
        described = self.account.sagemaker.describe_processing_job(ProcessingJobName=name)
        return described["ProcessingJobStatus"] in ("Stopping", "Stopped")


@pytest.fixture
def jobs(account: Account) -> Iterator[Jobs]:
    """Whatever the test leaves is stopped after it."""
    jobs = Jobs(account, f"test-{uuid.uuid4().hex[:8]}")
    yield jobs
    for name in jobs.names:
        if not jobs.is_stopped(name):
            account.sagemaker.stop_processing_job(ProcessingJobName=name)


def named(items: list[dict[str, str]]) -> list[str]:
    return [item["name"] for item in items]


def key(run: str, task: str = "job") -> TaskKey:
    return TaskKey("train_churn", run, task)


RUNNING = "manual__2026-11-22T15:00:00.000000+00:00"


def test_jobs_of_runs_that_are_over_or_deleted_are_stopped(jobs: Jobs) -> None:
    airflow = AnAirflow(active={RUNNING: {"job": "deferred"}}, over={"over": {"job": "failed"}})
    over, deleted, active = (jobs.start(key(run)) for run in ("over", "deleted", RUNNING))
    elsewhere = jobs.start(key("deleted"), environment="prod")
    foreign = jobs.start(None)
    reaped = jobs.reap(airflow)
    assert sorted(named(reaped.stopped)) == sorted([over, deleted])
    assert named(reaped.spared) == [active]
    assert "is over" in reaped.stopped[0]["reason"]
    assert "deleted, or is of another Airflow" in reaped.stopped[1]["reason"]
    assert [jobs.is_stopped(name) for name in (over, deleted)] == [True, True]
    assert not any(jobs.is_stopped(name) for name in (active, elsewhere, foreign))
    assert named(jobs.reap(airflow).stopped) == []


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_job_that_its_task_left_is_stopped_while_the_run_goes_on(jobs: Jobs, state: str) -> None:
    left = jobs.start(key(RUNNING, "left"))
    waited_for = jobs.start(key(RUNNING, "waits"))
    airflow = AnAirflow(active={RUNNING: {"left": state, "waits": "up_for_retry"}})
    reaped = jobs.reap(airflow, run=("train_churn", RUNNING))
    assert named(reaped.stopped) == [left]
    assert named(reaped.spared) == [waited_for]


def test_only_the_newest_job_of_a_task_goes_on(jobs: Jobs) -> None:
    older, newest = jobs.start(key(RUNNING)), jobs.start(key(RUNNING))
    reaped = jobs.reap(AnAirflow(active={RUNNING: {"job": "deferred"}}))
    assert named(reaped.stopped) == [older]
    assert newest in reaped.stopped[0]["reason"]
    assert named(reaped.spared) == [newest]


def test_the_end_of_a_run_looks_at_that_run_alone(jobs: Jobs) -> None:
    jobs.start(key("another"))
    own = jobs.start(key(RUNNING))
    reaped = jobs.reap(AnAirflow(active={RUNNING: {}}), run=("train_churn", RUNNING))
    assert named(reaped.stopped) == [own]
    assert reaped.spared == []


def test_what_the_tagging_api_does_not_know_yet_is_found(jobs: Jobs) -> None:
    name = jobs.start(key("over"))

    class Behind:
        def get_resources(self, ResourceARNList: list[str]) -> dict[str, Any]:  # noqa: N803
            return {"ResourceTagMappingList": []}

    def connect(service: str, region: str | None) -> Any:
        behind = service == "resourcegroupstaggingapi"
        return Behind() if behind else clients.client(service, region)

    found, unseen = find(connect, REGION, jobs.environment)
    assert ([thing.name for thing in found], unseen) == ([name], {})


def test_a_dry_run_says_what_it_would_stop(jobs: Jobs) -> None:
    name = jobs.start(key("over"))
    assert named(jobs.reap(AnAirflow(), dry_run=True).stopped) == [name]
    assert not jobs.is_stopped(name)


def test_what_ends_before_it_is_stopped_is_no_error(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS refuses to stop a job that ended between the look and the call."""
    name = jobs.start(key("over"))
    client = clients.client("sagemaker", REGION)
    stop = client.stop_processing_job

    def stop_twice(**arguments: str) -> None:
        stop(**arguments)
        client.get_waiter("processing_job_completed_or_stopped").wait(
            ProcessingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 240}
        )
        stop(**arguments)

    monkeypatch.setattr(client, "stop_processing_job", stop_twice)
    assert jobs.reap(AnAirflow()).as_json() == {"stopped": [], "spared": [], "refused": []}


def test_one_that_cannot_be_judged_keeps_no_other_from_being_stopped(jobs: Jobs) -> None:
    class Broken(AnAirflow):
        def get_dr_count(self, dag_id: str, run_ids: list[str], states: list[str] | None) -> int:
            if run_ids == ["broken"]:
                raise OSError("Airflow does not answer")
            return super().get_dr_count(dag_id, run_ids, states)

    broken, deleted = jobs.start(key("broken")), jobs.start(key("deleted"))
    with pytest.raises(NotStopped, match=f"{broken}: Airflow does not answer"):
        jobs.reap(Broken())
    assert [jobs.is_stopped(name) for name in (broken, deleted)] == [False, True]


def test_a_region_that_does_not_answer_keeps_no_other_from_being_reaped(jobs: Jobs) -> None:
    def connect(service: str, region: str | None) -> Any:
        if region == "eu-wst-1":
            raise EndpointConnectionError(endpoint_url="https://api.sagemaker.eu-wst-1")
        return clients.client(service, region)

    deleted = jobs.start(key("deleted"))
    reaper = Reaper(connect, jobs.environment, ThisAirflow(AnAirflow()))
    with pytest.raises(NotStopped, match="every thing in eu-wst-1: Could not connect"):
        reaper.reap(["eu-wst-1", REGION])
    assert jobs.is_stopped(deleted)


@pytest.fixture
def frugal(aws_environment: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """Runs `frugal reap --json` with arguments and returns what it printed."""

    def run(*arguments: str) -> dict[str, Any]:
        result = CliRunner().invoke(app, ["reap", "--json", *arguments])
        assert result.exit_code == 0, result.output
        printed: dict[str, Any] = json.loads(result.stdout)
        return printed

    return run


def test_without_an_airflow_age_decides(jobs: Jobs, frugal: Callable[..., dict[str, Any]]) -> None:
    name = jobs.start(key(RUNNING))
    of = ("--environment", jobs.environment, "--region", REGION)
    assert named(frugal(*of)["spared"]) == [name]
    await_true(lambda: named(frugal(*of, "--older-than", "1s")["stopped"]) == [name])
    assert jobs.is_stopped(name)
