"""The DAG clean_up, task by task."""

from __future__ import annotations

from frugal.pipelines.clean_up import build_dag


def test_a_night_that_fails_is_a_run_that_fails() -> None:
    """To Airflow a run is what its leaves are, and `report`, which tells of whatever happened, is one of them."""
    tasks = build_dag().task_dict
    failing = tasks["fail"]
    assert (failing.trigger_rule, failing.downstream_task_ids) == ("one_failed", set())
    leaves = {name for name, task in tasks.items() if not task.downstream_task_ids}
    assert failing.upstream_task_ids == tasks.keys() - leaves
