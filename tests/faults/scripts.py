"""What is done to runs under test, step by step. A script yields what it waits for: a name and a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from tests.faults import materials, work
from tests.faults.cluster import AWS, Cluster
from tests.faults.steps import Script, Step, finish, held, over, start, tried_again
from tests.faults.task_run import OVER, TaskRun

THROTTLED_SECONDS = 60
#: All that the operators and the trigger call; the matrix itself only lists.
THROTTLED = ("Create*", "Describe*", "Update*", "Stop*", "Delete*")


def nothing(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """Runs are started, and their jobs end."""
    yield from held(runs)
    yield from finish(runs)


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
        ended = run.task and run.task["end_date"]
        run.unwant(datetime.fromisoformat(ended) if ended else None)


def container_fails(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """The job's own program ends with an error."""
    yield from held(runs)
    yield from finish(runs, "fail")


def reclaimed(times: int) -> Script:
    """Spot capacity is taken away from the run's training jobs that many times in all."""

    def script(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
        for run in runs:
            cluster.fault("reclaim", job=f"{run.id}*", at=2, count=times)
        yield from held(runs)
        yield (
            f"{times} interruptions",
            lambda: all(cluster.struck(run) == times or run.is_over for run in runs),
        )
        for run in runs:
            run.hold()
        yield from held(runs)
        yield from finish(runs)
        for run in runs:
            if run.kind.name == "training":
                run.lose(times * work.CHECKPOINT_STEPS)

    return script


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


def last_attempt_dies(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """The process of the only attempt is killed when it has submitted: nothing in Airflow acts any more."""
    start(runs, "die after submit")
    yield from over(runs)
    yield from reaped(cluster, runs)


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


def reaped(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """Frugal's jobs are left running, until the nightly DAG stops them."""
    ours = [run for run in runs if run.subject == "frugal"]
    for run in ours:
        run.notes.append("stopped by clean_up" if run.running else "nothing left for clean_up")
    if ours:
        night = f"night-{ours[0].id}"
        cluster.api.start("clean_up", night, {})
        yield "clean_up", lambda: cluster.api.state("clean_up", night) in OVER


def throttle(cluster: Cluster) -> None:
    """For a minute from now on."""
    for operation in THROTTLED:
        cluster.fault(
            "throttle", service="sagemaker", operation=operation, seconds=THROTTLED_SECONDS
        )
