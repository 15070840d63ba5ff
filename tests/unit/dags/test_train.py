"""dags/train.py as Airflow's DAG processor loads it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from frugal.spec import find_specs


@pytest.fixture
def load(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads dags/ with the include folder given, and fails on any import error."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))

    def dags(include: Path) -> dict[str, Any]:
        monkeypatch.setenv("FRUGAL_INCLUDE", str(include))
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(repository / "dags" / "train.py"))
        assert bag.import_errors == {}
        return dict(bag.dags)

    return dags


def test_every_model_has_a_dag_that_says_whose_it_is_and_cannot_run_away(
    load: Any, repository: Path
) -> None:
    models = [path.parent.name for path in find_specs(repository / "include" / "models")]
    dags = load(repository / "include")
    assert models
    assert set(dags) == {f"train_{name.replace('-', '_')}" for name in models}
    for dag in dags.values():
        assert dag.doc_md
        assert dag.tags
        assert dag.max_active_runs == 1
        assert dag.dagrun_timeout
        assert {"hyperparameters", "force_preprocess", "deploy"} <= set(dag.params)
        for task in dag.tasks:
            assert task.owner not in ("", "airflow")


@pytest.mark.parametrize(
    ("backend", "tasks"),
    [
        ("none", set()),
        ("onnx", {"compile"}),
        ("neo, target: ml_c5", {"compile", "check_compiled"}),
    ],
)
def test_a_backend_brings_its_own_tasks(
    load: Any, repository: Path, tmp_path: Path, backend: str, tasks: set[str]
) -> None:
    copied = tmp_path / "include" / "models" / "house-prices"
    shutil.copytree(repository / "include" / "models" / "house-prices", copied)
    text = (copied / "model.yaml").read_text()
    changed = text.replace("backend: neo, target: ml_c5", f"backend: {backend}")
    (copied / "model.yaml").write_text(changed)
    dag = load(tmp_path / "include")["train_house_prices"]
    assert set(dag.task_ids) & {"compile", "check_compiled"} == tasks


def test_a_broken_model_shows_its_mistakes_and_leaves_the_others_alone(
    load: Any, repository: Path, tmp_path: Path
) -> None:
    models = tmp_path / "include" / "models"
    shutil.copytree(repository / "include" / "models" / "house-prices", models / "house-prices")
    (models / "broken").mkdir()
    (models / "broken" / "model.yaml").write_text("name: broken\n")
    dags = load(tmp_path / "include")
    assert set(dags) == {"train_house_prices", "train_broken"}
    assert "evaluate: is missing" in dags["train_broken"].doc_md
    assert "broken" in dags["train_broken"].tags


def test_what_fails_fails_the_run(load: Any, repository: Path) -> None:
    """The report runs whatever happened; as a teardown it does not hide a failure before it."""
    dag = load(repository / "include")["train_house_prices"]
    assert dag.task_dict["report"].is_teardown
    assert not dag.task_dict["report"].on_failure_fail_dagrun


SERVED: dict[str, set[str]] = {
    "serverless": {"deploy", "scale", "smoke_test"},
    "realtime": {"deploy", "scale", "smoke_test"},
    "async": {"deploy", "scale", "smoke_test"},
    "inferentia": {"deploy", "scale", "smoke_test"},
    "multi-model": {"publish_model", "deploy", "scale", "smoke_test", "go_live"},
    "scale-to-zero": {"deploy", "component", "scale", "smoke_test"},
    "batch": {"create_model", "deploy", "smoke_test"},
}


@pytest.mark.parametrize("strategy", SERVED)
def test_a_strategy_brings_its_own_tasks(
    load: Any, repository: Path, tmp_path: Path, strategy: str
) -> None:
    copied = tmp_path / "include" / "models" / "house-prices"
    shutil.copytree(repository / "include" / "models" / "house-prices", copied)
    lines = (copied / "model.yaml").read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("compile:", "deploy:"))]
    text = "\n".join([*kept, f"deploy: {{strategy: {strategy}}}\n"])
    if strategy == "inferentia":
        text = text.replace("framework: xgboost\n  version: 3.0-5", "framework: pytorch")
        text += "compile: {backend: neuron}\n"
    (copied / "model.yaml").write_text(text)
    dag = load(tmp_path / "include")["train_house_prices"]
    assert set(dag.task_ids) & set[str]().union(*SERVED.values()) == SERVED[strategy]
