"""Jobs that nothing in Airflow can stop any more, and the reaper that does."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from frugal.aws.tags import TaskKey, as_list
from tests.faults import work
from tests.faults.cluster import Cluster, until
from tests.faults.task_run import OVER, TaskRun

pytestmark = pytest.mark.timeout(3000)


@pytest.fixture
def orphans(cluster: Cluster) -> Iterator[dict[str, str]]:
    """Names of two processing jobs of DAG runs that this Airflow never had: of an Airflow before it, and of prod's."""
    gone = TaskKey("train_churn", "scheduled__2026-11-01T00:00:00+00:00", "preprocess")
    names = {}
    for environment in ("dev", "prod"):
        name = f"orphan-{environment}-{uuid.uuid4().hex[:8]}"
        folder = cluster.folder / name
        folder.mkdir()
        cluster.sagemaker.create_processing_job(
            **work.processing({"name": name, "folder": str(folder)}),
            ProcessingJobName=name,
            Tags=as_list(gone.as_tags(environment)),
        )
        names[environment] = name
    yield names
    cluster.sagemaker.stop_processing_job(ProcessingJobName=names["prod"])


def status(cluster: Cluster, orphan: str) -> str:
    answer = cluster.sagemaker.describe_processing_job(ProcessingJobName=orphan)
    return str(answer["ProcessingJobStatus"])


def clean_up(cluster: Cluster) -> dict[str, list[dict[str, Any]]]:
    """Run the nightly DAG as far as its task `reap`; what that returned."""
    run = f"night-{uuid.uuid4().hex[:8]}"
    cluster.api.start("clean_up", run, {})
    until(lambda: cluster.api.task_state("clean_up", run, "reap") in OVER, f"the reaper of {run}")
    path = f"/dags/clean_up/dagRuns/{run}/taskInstances/reap/xcomEntries/return_value"
    returned: dict[str, list[dict[str, Any]]] = cluster.api._send("GET", path)["value"]
    cluster.api.fail("clean_up", run)
    return returned


def over(cluster: Cluster, dag: str, run: str) -> str | None:
    """The state of a DAG run, once it will not change any more."""
    state = cluster.api.state(dag, run)
    return state if state in ("success", "failed") else None


def seen(cluster: Cluster, run: TaskRun) -> TaskRun:
    """The run as Airflow and AWS have it now."""
    cluster.look([run])
    return run


def until_held(cluster: Cluster, *runs: TaskRun) -> None:
    """Each task is deferred, its job at work. No triggerer has to have its trigger."""

    def is_held(run: TaskRun) -> bool:
        state = cluster.api.task_state(run.dag, run.id, "job")
        assert state not in OVER, f"{run.id} is {state} already"
        return bool(state == "deferred" and run.has_started)

    for run in runs:
        until(partial(is_held, run), f"{run.id}: its deferral")


def until_stopped(cluster: Cluster, run: TaskRun) -> None:
    """The run's one job is stopped."""

    until(
        lambda: list(seen(cluster, run).jobs.values()) == ["Stopped"],
        f"the stop of {run.id}'s one job",
    )


def test_the_night_stops_what_no_task_waits_for(cluster: Cluster, orphans: dict[str, str]) -> None:
    """A trigger that never starts stops no job: here its DAG run is deleted, or its task marked, before it could.

    Nor does an Airflow that is gone: this one has no DAG run of the orphan. What goes on, goes on.
    """
    watched = cluster.task_run("frugal", "training")
    watched.start()
    until(lambda: seen(cluster, watched).is_held, f"{watched.id}: its trigger")
    cluster.freeze("triggerer")
    deleted, marked = (cluster.task_run("frugal", "training") for _ in range(2))
    for run in (deleted, marked):
        run.start()
    until_held(cluster, deleted, marked)
    deleted.delete()
    marked.mark("failed")
    cluster.resume("triggerer")
    reaped = clean_up(cluster)
    for run in (deleted, marked):
        until_stopped(cluster, run)
    until(lambda: status(cluster, orphans["dev"]) == "Stopped", "the stop of the orphan")
    assert status(cluster, orphans["prod"]) == "InProgress"
    stopped = {item["name"]: item["reason"] for item in reaped["stopped"]}
    assert "was deleted, or is of another Airflow" in stopped[orphans["dev"]]
    spared = [item["name"] for item in reaped["spared"]]
    assert [name for name, _ in watched.jobs] == [name for name in spared if watched.id in name]
    watched.release()
    until(lambda: seen(cluster, watched).is_over, f"{watched.id}: its end")
    assert watched.state == "success"


@pytest.mark.parametrize("at", ["die after submit", "die before defer"])
def test_the_end_of_a_run_stops_what_its_last_attempt_left(cluster: Cluster, at: str) -> None:
    run = cluster.task_run("reaped", "training")
    run.start(at)
    until(lambda: over(cluster, run.dag, run.id), f"the end of {run.id}")
    assert over(cluster, run.dag, run.id) == "failed"
    until_stopped(cluster, run)


def test_a_run_that_is_marked_failed_still_reaps(cluster: Cluster) -> None:
    """Airflow lets a teardown run when a user ends the DAG run; here no trigger is there to stop the job."""
    cluster.freeze("triggerer")
    run = cluster.task_run("reaped", "training")
    run.start()
    until_held(cluster, run)
    cluster.api.fail(run.dag, run.id)
    until_stopped(cluster, run)
    until(lambda: over(cluster, run.dag, run.id), f"the end of {run.id}")
    assert over(cluster, run.dag, run.id) == "failed"
