"""dags/batch.py."""

from __future__ import annotations

import pytest

from .conftest import Load, WriteModel


@pytest.mark.parametrize(
    ("deploy", "schedule"),
    [
        ("{strategy: batch, batch: {schedule: '0 4 * * *'}}", "0 4 * * *"),
        ("{strategy: batch}", None),
    ],
)
def test_a_batch_model_has_a_dag_that_predicts(
    load: Load, write_model: WriteModel, deploy: str, schedule: str | None
) -> None:
    write_model("churn", f"deploy: {deploy}\n")
    write_model("served")
    dags = load("batch.py")
    assert set(dags) == {"batch_churn"}
    dag = dags["batch_churn"]
    assert getattr(dag.timetable, "expression", None) in (schedule, "")
    assert [task.task_id for task in dag.topological_sort()] == [
        "prepare",
        "prepare_batch",
        "transform",
        "reap",
    ]
    assert dag.get_task("transform").execution_timeout
