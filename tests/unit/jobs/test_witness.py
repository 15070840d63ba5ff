"""What this Airflow is asked about a task, and how its answers are read."""

from __future__ import annotations

from typing import Any

import pytest

from frugal.aws.tags import TaskKey
from frugal.jobs.witness import GONE, ThisAirflow


class Ti:
    """A task instance that knows one DAG run, and counts what it is asked."""

    def __init__(self, state: str) -> None:
        self.state, self.calls = state, 0

    def get_dr_count(self, dag_id: str, run_ids: list[str], states: list[str] | None) -> int:
        self.calls += 1
        known = (dag_id, run_ids) == ("train", ["a/b"])
        return int(known and (states is None or self.state in states))

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, Any]]:
        self.calls += 1
        states = {"train": "running", "fold_2": "failed", "fold": None}
        return {"a/b": states} if run_ids == ["a/b"] else {}


@pytest.mark.parametrize(
    ("state", "run"), [("running", "active"), ("queued", "active"), ("failed", "over")]
)
def test_a_run_goes_on_until_it_is_over(state: str, run: str) -> None:
    assert ThisAirflow(Ti(state)).run(TaskKey("train", "a/b", "train")) == run


def test_a_deleted_run_is_unknown_and_its_tasks_are_gone() -> None:
    airflow, task = ThisAirflow(Ti("running")), TaskKey("train", "deleted", "train")
    assert (airflow.run(task), airflow.task(task)) == ("unknown", GONE)


def test_a_mapped_task_is_told_from_its_siblings() -> None:
    airflow = ThisAirflow(Ti("running"))
    states = [airflow.task(TaskKey("train", "a/b", "fold", index)) for index in (2, 3)]
    assert states == ["failed", GONE]
    assert airflow.task(TaskKey("train", "a/b", "fold")) is None


def test_a_run_is_asked_about_once_however_many_jobs_it_has() -> None:
    ti = Ti("running")
    airflow = ThisAirflow(ti)
    for index in range(50):
        task = TaskKey("train", "a/b", "fold", index)
        airflow.run(task)
        airflow.task(task)
    assert ti.calls == 2
