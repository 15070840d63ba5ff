"""dags/clean_up.py."""

from __future__ import annotations

from datetime import timedelta

from .conftest import Load


def test_it_runs_every_night_unless_somebody_pauses_it(load: Load) -> None:
    """A job that nobody watches bills until then, so that no more than a day may lie between."""
    dag = load("clean_up.py")["clean_up"]
    assert dag.is_paused_upon_creation is False
    assert dag.timetable.expression == "0 3 * * *"
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout < timedelta(days=1)
    reap = dag.task_dict["reap"]
    assert reap.retries
    assert not reap.upstream_task_ids | reap.downstream_task_ids, (
        "nothing keeps jobs from their end"
    )
    assert dag.task_dict["report"].trigger_rule == "all_done"
    assert {"caps", "approve", "mark"} <= dag.task_dict["sweep"].get_flat_relative_ids(
        upstream=True
    )
