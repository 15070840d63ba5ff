"""What goes wrong at AWS, and in the jobs that it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults import materials, work
from tests.faults.cluster import AWS, Cluster
from tests.faults.steps import Script, Step, finish, held, over
from tests.faults.task_run import TaskRun

THROTTLED_SECONDS = 60
#: All that the operators and the trigger call; the matrix itself only lists.
THROTTLED = ("Create*", "Describe*", "Update*", "Stop*", "Delete*")


def aws_restarts(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """The local AWS is killed with all that it runs, and started again: it fails what cannot go on."""
    yield from held(runs)
    for run in runs:
        run.hold()
    cluster.kill(AWS)
    cluster.restart(AWS)
    yield from held(runs)
    yield from finish(runs)


def throttled_when_submitted(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """SageMaker throttles every call for a minute, from before the tasks start."""
    throttle(cluster)
    yield from held(runs)
    yield from finish(runs)


def throttled_while_waiting(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """SageMaker throttles every call for a minute, in which the jobs end."""
    yield from held(runs)
    throttle(cluster)
    yield from finish(runs)


def container_fails(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """The job's own program ends with an error."""
    yield from held(runs)
    yield from finish(runs, "fail")


def stopped_outside(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """Somebody stops the job in AWS's console, or deletes what was being created: it did not do what was asked."""
    yield from held(runs)
    for run in runs:
        for name, _ in run.jobs:
            getattr(cluster.sagemaker, run.kind.stop)(**{run.kind.name_key: name})
    yield from over(runs)


def reclaimed(times: int) -> Script:
    """Spot capacity is taken away from the run's training jobs that many times in all."""

    def script(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
        for run in runs:
            cluster.fault("reclaim", job=f"{run.id}*", at=2, count=times)
        yield from held(runs)
        yield (
            f"{times} interruptions, and as many restarts",
            lambda: all(run.is_over or restarted(cluster, run, times) for run in runs),
        )
        yield from finish(runs)
        for run in runs:
            if run.kind.name == "training":
                run.lose(times * work.CHECKPOINT_STEPS)

    return script


def restarted(cluster: Cluster, run: TaskRun, times: int) -> bool:
    """Whether the run's training jobs were interrupted that often, and are at work again after the last time."""
    taken = cluster.interruptions(run)
    return len(taken) == times and run.has_started_since(max(taken))


def no_capacity(*instances: str) -> Script:
    """There is no capacity for the run's jobs on these instance types."""

    def script(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
        for run in runs:
            for instance in instances:
                cluster.fault("no-capacity", job=f"{run.id}*", instance=instance)
        yield from held(runs)
        yield from finish(runs)

    return script


def rolled_back(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """What serves is to be updated; the new one never gets healthy, so that the old one goes on serving."""
    for run in runs:
        run.release()
        materials.BEFORE_UPDATE[run.kind.name](cluster.sagemaker, run.id)
    yield "what is updated", lambda: all(set(run.jobs.values()) == {"InService"} for run in runs)
    for run in runs:
        run.stood = True
        run.hold()
    yield from held(runs)
    yield from finish(runs, "fail")


def throttle(cluster: Cluster) -> None:
    """For a minute from now on."""
    for operation in THROTTLED:
        cluster.fault(
            "throttle", service="sagemaker", operation=operation, seconds=THROTTLED_SECONDS
        )
