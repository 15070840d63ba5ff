"""Processes that die, of Airflow and of AWS, and what becomes of the job."""

from __future__ import annotations

import pytest

from frugal.jobs.kinds import KINDS
from tests.faults.cluster import AWS, Cluster, TaskRun, until
from tests.faults.test_users import held


def finish(run: TaskRun, *ended: str) -> None:
    """Release the run: it succeeds, with one job besides those that ended as told."""
    run.release()
    run.until("success")
    done = "COMPLETED" if KINDS[run.kind].one_per_attempt else "INSERVICE"
    assert run.statuses == [*ended, done]


@pytest.mark.parametrize("point", ["before submit", "before defer", "when resumed"])
def test_a_killed_worker_costs_no_second_job(cluster: Cluster, point: str) -> None:
    runs = cluster.runs(die=point)
    for run in runs:
        if point == "when resumed":
            run.release()
        else:
            run.until_held()
        finish(run)
        assert run.attempts == 2


@pytest.mark.parametrize("component", ["triggerer", "scheduler"])
def test_a_killed_component_neither_stops_nor_doubles_the_job(
    cluster: Cluster, component: str
) -> None:
    runs = held(cluster)
    cluster.kill(component)
    cluster.restart(component)
    for run in runs:
        finish(run)
        assert run.attempts == 1


def test_a_job_that_aws_lost_is_started_again(cluster: Cluster) -> None:
    runs = held(cluster)
    cluster.kill(AWS)
    cluster.restart(AWS)
    for run in runs:
        lost = run.kind in ("processing", "compilation")
        if lost:
            run.until_jobs("FAILED", "INPROGRESS")
        finish(run, *(["FAILED"] if lost else []))
        assert run.attempts == 1 + lost


def test_a_reclaimed_spot_job_goes_on_as_the_same_job(cluster: Cluster) -> None:
    run = cluster.run("training")
    run.until_held()
    (run.folder / "started").unlink()
    [job] = run.jobs
    cluster.local.interrupt(job)
    until((run.folder / "started").exists, "the second start of the training")
    finish(run)
    assert run.attempts == 1
    told = cluster.sagemaker.describe_training_job(TrainingJobName=job)
    steps = [step["Status"] for step in told["SecondaryStatusTransitions"]]
    assert steps.count("Interrupted") == 1
