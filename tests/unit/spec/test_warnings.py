"""What `frugal validate` doubts, and lets pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from frugal.cli import app

LADDERS = [
    (
        "[{instance: ml.m5.xlarge, spot: false}, {instance: ml.m5.large}]",
        "a spot rung after an on-demand one is rarely reached",
    ),
    ("[{instance: ml.m5.xlarge}]", "no on-demand rung"),
]


@pytest.fixture
def model(tmp_path: Path, shortest: str) -> Path:
    """A valid model's folder."""
    folder = tmp_path / "churn"
    folder.mkdir()
    for name in ("train.py", "inference.py"):
        (folder / name).touch()
    (folder / "model.yaml").write_text(shortest)
    return folder


@pytest.mark.parametrize(("ladder", "doubt"), LADDERS)
def test_a_doubtful_ladder_is_valid_and_warned_of(model: Path, ladder: str, doubt: str) -> None:
    with (model / "model.yaml").open("a") as file:
        file.write(f"train:\n  capacity: {ladder}\n")
    told = CliRunner().invoke(app, ["validate", str(model)])
    assert told.exit_code == 0
    assert "churn is valid" in told.output
    assert f"warning, line 9: train.capacity: {doubt}" in told.output
    report = json.loads(CliRunner().invoke(app, ["validate", "--json", str(model)]).output)
    assert [warning["line"] for warning in report[0]["warnings"]] == [9]


def test_the_order_by_cost_leaves_nothing_to_doubt(model: Path) -> None:
    with (model / "model.yaml").open("a") as file:
        file.write(f"train:\n  capacity_order: cheapest\n  capacity: {LADDERS[0][0]}\n")
    assert "warning" not in CliRunner().invoke(app, ["validate", str(model)]).output
