"""What a user does to a deferred task, and what becomes of its job."""

from __future__ import annotations

import pytest

from frugal.jobs.kinds import KINDS
from tests.faults.cluster import Cluster, TaskRun


def held(cluster: Cluster) -> list[TaskRun]:
    """A run of every kind, each waiting for its job."""
    runs = cluster.runs()
    for run in runs:
        run.until_held()
    return runs


def until_stopped(run: TaskRun) -> None:
    """Of a run with one job: it is stopped; an endpoint that was being created is gone."""
    run.until_jobs(*(["STOPPED"] if KINDS[run.kind].one_per_attempt else []))


@pytest.mark.parametrize("state", ["failed", "success"])
def test_marking_a_deferred_task_stops_its_job(cluster: Cluster, state: str) -> None:
    runs = held(cluster)
    for run in runs:
        run.mark(state)
    for run in runs:
        until_stopped(run)
        assert run.state == state


def test_clearing_a_deferred_task_stops_its_job_and_starts_one_other(cluster: Cluster) -> None:
    runs = held(cluster)
    for run in runs:
        run.clear()
    for run in runs:
        one_other = ["STOPPED", "INPROGRESS"]
        run.until_jobs(*(one_other if KINDS[run.kind].one_per_attempt else ["CREATING"]))
        run.until("deferred")
    for run in runs:
        run.release()
        run.until("success", "failed")
        assert run.state == "success"
        done = ["STOPPED", "COMPLETED"] if KINDS[run.kind].one_per_attempt else ["INSERVICE"]
        assert run.statuses == done


def test_deleting_a_dag_run_stops_its_job(cluster: Cluster) -> None:
    runs = held(cluster)
    for run in runs:
        run.delete()
    for run in runs:
        until_stopped(run)
