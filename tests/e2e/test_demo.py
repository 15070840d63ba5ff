"""The whole demo as a newcomer runs it: once on an empty machine, and once again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

STAGES = (
    "preprocess",
    "train",
    "evaluate",
    "compile",
    "check_compiled",
    "register",
    "deploy",
    "smoke_test",
    "baseline",
)


@dataclass(frozen=True)
class Told:
    """What one run of the demo left: its exit code, what it printed, and its machine-readable summary."""

    code: int
    text: str
    summary: dict[str, Any]

    def stage(self, name: str) -> dict[str, Any]:
        """A stage of the summary."""
        [found] = [stage for stage in self.summary["stages"] if stage["name"] == name]
        return dict(found)


@dataclass
class Machine:
    """A home with the locked environments and nothing else in it."""

    home: Path
    repository: Path

    def demo(self, *arguments: str) -> Told:
        """Run the demo to its end."""
        env = os.environ | {
            "FRUGAL_HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join(("plugins", "include", ".")),
        }
        done = subprocess.run(
            [sys.executable, "-m", "demo", *arguments],
            cwd=self.repository,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        summary = self.home / "demo.json"
        document = json.loads(summary.read_text()) if summary.exists() else {}
        return Told(done.returncode, done.stdout, document)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, envs: Path, repository: Path) -> Machine:
    """A machine on which the demo never ran."""
    home = tmp_path_factory.mktemp("home")
    (home / "envs").symlink_to(envs.parent)
    return Machine(home, repository)


@pytest.fixture(scope="module")
def first(machine: Machine) -> Told:
    """The first run."""
    return machine.demo()


@pytest.fixture(scope="module")
def second(machine: Machine, first: Told) -> Told:
    """The run after it, on the same machine: with so few trees that the champion is better."""
    return machine.demo("--no-interrupt", "--conf", '{"hyperparameters": {"num_round": 40}}')


def test_every_stage_succeeds(first: Told) -> None:
    assert first.code == 0, first.text
    assert {name: first.stage(name)["state"] for name in STAGES} == dict.fromkeys(STAGES, "success")
    assert first.summary["simulated"] is True


def test_an_interruption_is_survived_and_paid_for_openly(first: Told) -> None:
    interruptions = first.summary["interruptions"]
    assert interruptions["count"] == 1
    assert interruptions["seconds_waiting"] > 0
    assert interruptions["cost"] >= 0
    train = first.stage("train")
    assert 0 < train["seconds_billed"] < train["seconds_run"]
    assert 0 < train["cost"] < train["counterfactual_cost"]


def test_the_run_says_which_rung_it_trained_on_and_why(first: Told, second: Told) -> None:
    capacity = first.summary["capacity"]
    assert [rung["outcome"] for rung in capacity["rungs"]] == ["ran", "not reached"]
    assert capacity["ran"] == 1
    assert "expected to cost" in capacity["rungs"][0]["reason"]
    assert "rung 1, ml.m5.xlarge spot in us-east-1: ran; expected to cost" in first.text
    assert "as of house-prices-train-" in second.summary["capacity"]["order"]


def test_broken_rows_are_set_aside_and_the_others_stored_smaller(first: Told) -> None:
    rows, gate = first.summary["rows"], first.summary["quarantine"]
    assert gate["rows"] == rows["quarantined"] == 48
    assert gate["fraction"] < gate["limit"]
    assert rows["train"] + rows["validation"] + rows["test"] == 21_613
    assert first.summary["bytes"]["parquet"] < first.summary["bytes"]["raw"] / 3


def test_the_model_is_good_and_predicts_the_same_compiled(first: Told) -> None:
    metrics, compiled = first.summary["metrics"], first.summary["compile"]
    assert metrics["won"]
    assert metrics["value"] < metrics["floor"]
    assert compiled["parity"]["passed"]
    assert compiled["parity"]["max_rel"] <= compiled["parity"]["tolerance"]


def test_the_endpoint_answers_and_the_summary_says_so(first: Told) -> None:
    prediction = first.summary["demo"]["prediction"]
    assert prediction["predicted"] == pytest.approx(prediction["expected"], rel=0.01)
    for heading in ("Cost", "Data", "Model", "Compiled", "Live prediction", "Where to look next"):
        assert f"\n{heading}\n" in first.text
    assert "simulated" in first.text


def test_the_second_run_pays_nothing_for_the_dataset(first: Told, second: Told) -> None:
    assert second.code == 0, second.text
    assert second.stage("preprocess")["state"] == "reused"
    assert second.stage("preprocess")["cost"] == 0
    assert second.summary["fingerprint"] == first.summary["fingerprint"]
    assert second.summary["interruptions"]["count"] == 0


def test_a_challenger_that_loses_leaves_the_champion_serving(first: Told, second: Told) -> None:
    assert not second.summary["metrics"]["won"]
    assert second.summary["package"]["status"] == "Rejected"
    assert "not deployed: what served before serves on" in second.text
    served, before = (told.summary["demo"]["prediction"] for told in (second, first))
    assert served["endpoint"] == before["endpoint"]
    assert served["predicted"] > 0


def test_no_process_is_left(machine: Machine, second: Told) -> None:
    home = str(machine.home).encode()
    left = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if int(environ.parent.name) != os.getpid() and home in environ.read_bytes():
                left.append((environ.parent / "cmdline").read_bytes())
        except OSError:
            continue
    assert left == []
