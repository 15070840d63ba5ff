"""Tasks and DAG runs that Airflow ends because they take too long."""

from __future__ import annotations

import pytest

from tests.faults.cluster import Cluster


@pytest.mark.parametrize(
    ("limit", "state"), [("_task_timeout", "failed"), ("_run_timeout", "skipped")]
)
def test_a_timeout_stops_the_job(cluster: Cluster, limit: str, state: str) -> None:
    runs = cluster.runs(limit)
    for run in runs:
        run.until(state)
        run.until_stopped()
