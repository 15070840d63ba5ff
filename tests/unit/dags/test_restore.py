"""dags/restore.py as Airflow's DAG processor loads it: a DAG for each model, whatever serves it."""

from __future__ import annotations

from itertools import pairwise
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
deploy: {{strategy: {strategy}}}
"""
FIRST, LAST = ["prepare", "choose_package"], ["promote", "reap"]


@pytest.mark.parametrize(
    ("strategy", "between"),
    [
        ("realtime", ["deploy"]),
        ("serverless", ["deploy"]),
        ("scale-to-zero", ["deploy", "component"]),
        ("multi-model", ["publish_model", "deploy", "go_live"]),
        ("batch", []),
    ],
)
def test_the_registry_changes_once_the_package_serves(
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    strategy: str,
    between: list[str],
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    folder = tmp_path / "models" / "churn"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(MODEL.format(strategy=strategy))
    for script in ("train.py", "inference.py"):
        (folder / script).touch()

    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(repository / "dags" / "restore.py"))
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    assert dag.dag_id == "restore_churn"
    order = [*FIRST, *between, *LAST]
    assert set(dag.task_dict) == set(order)
    for before, after in pairwise(order):
        assert before in dag.task_dict[after].upstream_task_ids
