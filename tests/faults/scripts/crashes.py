"""Processes of Airflow that die or hang, its own and those of its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.cluster import Cluster
from tests.faults.scripts.reaper import reaped
from tests.faults.steps import Script, Step, finish, held, over, start, tried_again
from tests.faults.task_run import TaskRun


def worker_dies(point: str) -> Script:
    """The process of the first attempt is killed at a point of its life: see `Fragile`."""

    def script(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
        start(runs, f"die {point}")
        if point == "when resumed":
            yield from held(runs)
        else:
            yield from tried_again(runs)
        yield from finish(runs)

    return script


def worker_dies_waiting(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """The process of an attempt that waits for its job is killed."""
    yield from held(runs)
    for run in runs:
        run.kill_worker()
    yield from tried_again(runs)
    yield from finish(runs)


def component_dies(name: str) -> Script:
    """One of Airflow's components is killed, the scheduler with its workers, and started again."""

    def script(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
        yield from held(runs)
        cluster.kill(name)
        cluster.restart(name)
        if name == "scheduler":
            yield from tried_again([run for run in runs if run.subject == "sync"])
        yield from finish(runs)

    return script


def trigger_moves(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """The triggerer hangs, another one takes its triggers, and the first one goes on."""
    yield from held(runs)
    cluster.freeze("triggerer")
    cluster.start("triggerer", "other triggerer")
    yield (
        "the second triggers",
        lambda: all(len(run.trigger_logs) > 1 for run in runs if not run.is_over),
    )
    cluster.resume("triggerer")
    yield (
        "the end of the first triggers",
        lambda: all(
            run.is_over or any("trigger completed" in log for log in run.trigger_logs)
            for run in runs
        ),
    )
    yield from finish(runs)


def last_attempt_dies(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """The process of the only attempt is killed when it has submitted: nothing in Airflow acts any more."""
    start(runs, "die after submit")
    yield from over(runs)
    for run in runs:
        run.unwant(run.ended)
    yield from reaped(cluster, runs)
