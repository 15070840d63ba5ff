"""What scripts are made of: runs are started, held at their work, and finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tests.faults.cluster import Cluster
from tests.faults.task_run import TaskRun

Step = tuple[str, Callable[[], bool]]
Script = Callable[[Cluster, Sequence[TaskRun]], Iterator[Step]]


def start(runs: Sequence[TaskRun], at: str = "") -> None:
    """Start the DAG runs that are not."""
    for run in runs:
        run.start(at)


def held(runs: Sequence[TaskRun]) -> Iterator[Step]:
    """Every run, started if it was not, has a job at work that it waits for."""
    start([run for run in runs if not run.is_started])
    yield "its job at work", lambda: all(run.is_held for run in runs)


def tried_again(runs: Sequence[TaskRun]) -> Iterator[Step]:
    """Every run is in its second attempt, and waits."""
    yield (
        "the second attempt",
        lambda: all(run.is_over or (run.attempts > 1 and run.is_held) for run in runs),
    )


def finish(runs: Sequence[TaskRun], how: str = "") -> Iterator[Step]:
    """Jobs come to their end, and so do the runs."""
    for run in runs:
        run.release(how)
    yield from over(runs)


def over(runs: Sequence[TaskRun]) -> Iterator[Step]:
    """Airflow is done with every run."""
    yield "the task's end", lambda: all(run.is_over for run in runs)
