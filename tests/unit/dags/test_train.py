"""dags/train.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from frugal.spec import find_specs

from .conftest import Load, WriteModel


def test_every_model_has_a_dag_that_says_whose_it_is_and_cannot_run_away(
    load: Load, repository: Path
) -> None:
    models = [path.parent.name for path in find_specs(repository / "include" / "models")]
    dags = load("train.py", repository / "include")
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
        ("neo, target: ml_m5", {"compile", "check_compiled"}),
    ],
)
def test_a_backend_brings_its_own_tasks(
    load: Load, write_model: WriteModel, backend: str, tasks: set[str]
) -> None:
    write_model("churn", f"compile: {{backend: {backend}}}\ndeploy: {{strategy: realtime}}\n")
    dag = load("train.py")["train_churn"]
    assert set(dag.task_ids) & {"compile", "check_compiled"} == tasks


def test_a_broken_model_shows_its_mistakes_and_leaves_the_others_alone(
    load: Load, write_model: WriteModel, include: Path
) -> None:
    write_model("churn")
    write_model("broken")
    (include / "models" / "broken" / "model.yaml").write_text("name: broken\n")
    dags = load("train.py")
    assert set(dags) == {"train_churn", "train_broken"}
    assert "evaluate: is missing" in dags["train_broken"].doc_md
    assert "broken" in dags["train_broken"].tags


def test_what_fails_fails_the_run(load: Load, write_model: WriteModel) -> None:
    """The report runs whatever happened; as a teardown it does not hide a failure before it."""
    write_model("churn")
    dag = load("train.py")["train_churn"]
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
    load: Load, write_model: WriteModel, strategy: str
) -> None:
    neuron = "train: {framework: pytorch}\ncompile: {backend: neuron}\n"
    network = neuron if strategy == "inferentia" else ""
    write_model("churn", f"{network}deploy: {{strategy: {strategy}}}\n")
    dag = load("train.py")["train_churn"]
    assert set(dag.task_ids) & set[str]().union(*SERVED.values()) == SERVED[strategy]
