"""dags/batch.py as Airflow's DAG processor loads it."""

from __future__ import annotations

from pathlib import Path

import pytest

MODEL = """\
name: churn
owner: {{team: growth, cost_center: cc-12}}
data:
  target: churned
  key: [customer_id]
  columns: {{customer_id: string, tenure: integer, churned: integer}}
evaluate: {{metric: auc, floor: 0.7}}
deploy: {deploy}
"""


@pytest.mark.parametrize(
    ("deploy", "schedule"),
    [
        ("{strategy: batch, batch: {schedule: '0 4 * * *'}}", "0 4 * * *"),
        ("{strategy: batch}", None),
    ],
)
def test_a_batch_model_has_a_dag_that_predicts(
    deploy: str,
    schedule: str | None,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    from airflow.dag_processing.dagbag import DagBag

    for name in ("churn", "served"):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        for script in ("train.py", "inference.py"):
            (folder / script).touch()
        text = MODEL.format(deploy=deploy if name == "churn" else "{}")
        (folder / "model.yaml").write_text(text.replace("name: churn", f"name: {name}"))
    bag = DagBag(str(repository / "dags" / "batch.py"))
    assert bag.import_errors == {}
    assert set(bag.dags) == {"batch_churn"}
    (dag,) = bag.dags.values()
    assert getattr(dag.timetable, "expression", None) in (schedule, "")
    assert [task.task_id for task in dag.topological_sort()] == [
        "prepare_run",
        "prepare_batch",
        "transform",
        "reap",
    ]
    assert dag.get_task("transform").execution_timeout
