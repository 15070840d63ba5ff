"""Processes that die, of Airflow and of AWS, and what becomes of the job."""

from __future__ import annotations

import signal

import pytest

from tests.faults.cluster import AWS, Cluster, until


@pytest.mark.parametrize("point", ["before submit", "before defer", "when resumed"])
def test_a_killed_worker_costs_no_second_job(cluster: Cluster, point: str) -> None:
    runs = cluster.runs(at=f"die {point}")
    for run in runs:
        if point == "when resumed":
            run.release()
        else:
            run.until_held()
        run.finish()
        assert run.attempts == 2


@pytest.mark.parametrize("component", ["triggerer", "scheduler"])
def test_a_killed_component_neither_stops_nor_doubles_the_job(
    cluster: Cluster, component: str
) -> None:
    runs = cluster.held()
    cluster.kill(component)
    cluster.restart(component)
    for run in runs:
        run.finish()
        assert run.attempts == 1


def test_a_trigger_that_moves_to_another_triggerer_lets_the_job_go_on(cluster: Cluster) -> None:
    runs = cluster.held()
    cluster.freeze("triggerer")
    cluster.start("triggerer", "other triggerer")
    until(lambda: all(len(run.trigger_logs) > 1 for run in runs), "the second triggers")
    cluster.signal("triggerer", signal.SIGCONT)
    until(
        lambda: all(any("goes on" in log for log in run.trigger_logs) for run in runs),
        "the end of the first triggers",
    )
    for run in runs:
        run.finish()
        assert run.attempts == 1


def test_a_job_that_aws_lost_is_started_again_and_a_checkpointed_one_goes_on(
    cluster: Cluster,
) -> None:
    lost, spot = cluster.run("processing"), cluster.run("training")
    for run in (lost, spot):
        run.until_held()
    cluster.kill(AWS)
    cluster.restart(AWS)
    lost.until_jobs("FAILED", "INPROGRESS")
    lost.finish("FAILED")
    spot.finish()
    assert (lost.attempts, spot.attempts) == (2, 1)


def test_a_reclaimed_spot_job_goes_on_as_the_same_job(cluster: Cluster) -> None:
    run = cluster.run("training")
    run.until_held()
    (run.folder / "started").unlink()
    [job] = run.jobs
    cluster.local.interrupt(job)
    until((run.folder / "started").exists, "the second start of the training")
    run.finish()
    assert run.attempts == 1
    told = cluster.sagemaker.describe_training_job(TrainingJobName=job)
    steps = [step["Status"] for step in told["SecondaryStatusTransitions"]]
    assert steps.count("Interrupted") == 1
