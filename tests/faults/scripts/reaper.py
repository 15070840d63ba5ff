"""What the reaper does for jobs that nothing else ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.cluster import Cluster
from tests.faults.steps import Step
from tests.faults.task_run import OVER, TaskRun


def reaped(cluster: Cluster, runs: Sequence[TaskRun]) -> Iterator[Step]:
    """Frugal's jobs are left running, until the nightly DAG stops them."""
    ours = [run for run in runs if run.subject == "frugal"]
    for run in ours:
        run.notes.append("stopped by clean_up" if run.running else "nothing left for clean_up")
    if ours:
        night = f"night-{ours[0].id}"
        cluster.api.start("clean_up", night, {})
        yield "clean_up", lambda: cluster.api.task_state("clean_up", night, "reap") in OVER
        cluster.api.fail("clean_up", night)  # nothing else of the night is waited for
