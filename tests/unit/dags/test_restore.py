"""dags/restore.py: a DAG for each model, whatever serves it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from .conftest import Load, WriteModel

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
    load: Load, write_model: WriteModel, strategy: str, between: list[str]
) -> None:
    write_model("churn", f"deploy: {{strategy: {strategy}}}\n")
    dags = load("restore.py")
    assert set(dags) == {"restore_churn"}
    dag = dags["restore_churn"]
    order = [*FIRST, *between, *LAST]
    assert set(dag.task_dict) == set(order)
    for before, after in pairwise(order):
        assert before in dag.task_dict[after].upstream_task_ids
