"""dags/clean_up.py as Airflow's DAG processor loads it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest


def test_it_runs_every_night_unless_somebody_pauses_it(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that nobody watches bills until then, so that no more than a day may lie between."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(repository / "dags" / "clean_up.py"))
    assert bag.import_errors == {}
    dag: Any = bag.dags["clean_up"]
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
