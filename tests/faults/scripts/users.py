"""What users do to a task, and the limits that they set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tests.faults.cluster import Cluster
from tests.faults.scripts.reaper import reaped
from tests.faults.steps import Script, Step, finish, held, over, start
from tests.faults.task_run import OVER, TaskRun


def nothing(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """Runs are started, and their jobs end."""
    yield from held(runs)
    yield from finish(runs)


def marked(state: str) -> Script:
    """A user marks the task while its job runs."""

    def script(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
        yield from held(runs)
        for run in runs:
            run.mark(state)

    return script


def marked_submitting(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """A user marks the task failed while a worker submits its job."""
    start(runs, "wait after submit")
    yield "its job at work", lambda: all(run.has_started for run in runs)
    for run in runs:
        run.mark("failed")


def cleared(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """A user clears the task while its job runs."""
    yield from held(runs)
    for run in runs:
        if run.kind.one_per_attempt:
            run.hold()
        run.clear()
    yield from held(runs)
    yield from finish(runs)


def cleared_finished(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """A user clears the task after it succeeded: it shall be done again."""
    yield from nothing(cluster, runs)
    yield (
        "the DAG run's end",
        lambda: all(cluster.api.state(run.dag, run.id) in OVER for run in runs),
    )
    for run in runs:
        run.clear()
    yield from over(runs)


def deleted(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """A user deletes the DAG run while the job runs."""
    yield from held(runs)
    for run in runs:
        run.delete()


def takes_too_long(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """The job goes on until Airflow ends the task by a limit of the task or of the DAG run."""
    start(runs)
    yield from over(runs)
    for run in runs:
        run.unwant(run.ended)


def ended_unwatched(end: Callable[[TaskRun], None]) -> Script:
    """A user ends the task while no triggerer runs, so that its trigger never starts."""

    def script(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
        cluster.freeze("triggerer")
        start(runs)
        yield (
            "its deferral",
            lambda: all(
                run.is_over or (run.state == "deferred" and run.has_started) for run in runs
            ),
        )
        for run in runs:
            end(run)
        cluster.resume("triggerer")
        yield from over(runs)
        yield from reaped(cluster, runs)

    return script
