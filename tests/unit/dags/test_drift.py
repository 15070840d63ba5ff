"""dags/watch_drift.py and dags/retrain_on_drift.py."""

from __future__ import annotations

import pytest

from .conftest import Load, WriteModel

MONITORS = {
    "alone": "",
    "watched": 'monitor: {schedule: "5 * * * *"}\n',
    "asked": 'monitor: {schedule: "5 * * * *", retrain: {on_drift: ask, answer_within: 2h}}\n',
}


@pytest.fixture(autouse=True)
def _models(write_model: WriteModel) -> None:
    for name, monitor in MONITORS.items():
        write_model(name, monitor)


def test_a_model_with_a_schedule_is_watched(load: Load) -> None:
    dags = load("watch_drift.py")
    assert set(dags) == {"watch_drift_watched", "watch_drift_asked"}
    dag = dags["watch_drift_watched"]
    assert dag.timetable.expression == "5 * * * *"
    assert dag.max_active_runs == 1
    drift = dag.task_dict["drift"]
    assert drift.upstream_task_ids == {"find_window"}
    assert drift.base_name == "watched-drift"
    assert dag.task_dict["reap"].is_teardown


def test_its_drift_is_weighed_on_a_message_and_every_hour(load: Load) -> None:
    dags = load("retrain_on_drift.py")
    assert set(dags) == {"retrain_on_drift_watched", "retrain_on_drift_asked"}
    dag = dags["retrain_on_drift_watched"]
    assert dag.max_active_runs == 1
    (asset,) = dag.timetable.asset_condition.objects
    (watcher,) = asset.watchers
    assert watcher.trigger.queue == "frugal-dev-watched"
    assert "approve" not in dag.task_dict
    assert dag.task_dict["retrain"].upstream_task_ids == {"weigh"}


def test_somebody_is_asked_and_no_answer_is_a_no(load: Load) -> None:
    dag = load("retrain_on_drift.py")["retrain_on_drift_asked"]
    approve = dag.task_dict["approve"]
    assert approve.defaults == ["Reject"]
    assert approve.response_timeout.total_seconds() == 7200
    assert dag.dagrun_timeout > approve.response_timeout
    assert dag.task_dict["retrain"].upstream_task_ids == {"approve"}
