"""What a user does to a task, and what becomes of its job."""

from __future__ import annotations

import pytest

from frugal.jobs.kinds import KINDS
from tests.faults.cluster import Cluster


@pytest.mark.parametrize("state", ["failed", "success"])
def test_marking_a_deferred_task_stops_its_job(cluster: Cluster, state: str) -> None:
    runs = cluster.held()
    for run in runs:
        run.mark(state)
    for run in runs:
        run.until_stopped()
        assert run.state == state


def test_marking_a_task_that_submits_stops_its_job(cluster: Cluster) -> None:
    runs = cluster.runs(at="wait before defer")
    for run in runs:
        run.until_started()
        assert run.state == "running"
        run.mark("failed")
    for run in runs:
        run.until_stopped()
        assert run.state == "failed"


def test_clearing_a_deferred_task_stops_its_job_and_starts_one_other(cluster: Cluster) -> None:
    runs = cluster.held()
    for run in runs:
        run.clear()
    for run in runs:
        job = KINDS[run.kind].one_per_attempt
        run.until_jobs(*(["STOPPED", "INPROGRESS"] if job else ["CREATING"]))
        run.until("deferred")
        run.finish(*(["STOPPED"] if job else []))


def test_clearing_a_finished_task_starts_one_other_job(cluster: Cluster) -> None:
    run = cluster.run("training")
    run.finish()
    run.clear()
    run.until_jobs("COMPLETED", "COMPLETED")
    run.until("success")


def test_deleting_a_dag_run_stops_its_job(cluster: Cluster) -> None:
    runs = cluster.held()
    for run in runs:
        run.delete()
    for run in runs:
        run.until_stopped()
