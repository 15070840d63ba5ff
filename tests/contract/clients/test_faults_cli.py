"""`frugal local fault`, against a local AWS that runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from typer.testing import CliRunner, Result

from frugal.cli import app
from frugal.local import LocalAws


@pytest.fixture
def fault(own_local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `frugal local fault` for the local AWS of this test."""
    monkeypatch.setenv("FRUGAL_HOME", str(own_local_aws.home))
    monkeypatch.setenv("FRUGAL_LOCAL_AWS_PORT", str(own_local_aws.port))
    return lambda *arguments: CliRunner().invoke(app, ["local", "fault", *arguments])


def test_a_fault_is_added_strikes_is_listed_and_cleared(
    fault: Callable[..., Result], own_local_aws: LocalAws
) -> None:
    added = fault("add", "throttle", "service=sagemaker", "operation=List*", "count=1")
    shown = "1: throttle service=sagemaker operation=List* count=1 (struck {}x)\n"
    assert (added.exit_code, added.stdout) == (0, shown.format(0))
    client = boto3.client(
        "sagemaker",
        endpoint_url=own_local_aws.url,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(botocore.exceptions.ClientError, match="ThrottlingException"):
        client.list_models()
    assert fault("list").stdout == shown.format(1)
    assert json.loads(fault("list", "--json").stdout)["seed"] == 0
    assert fault("clear").stdout == "1 cleared\n"
    assert fault("list").stdout == ""


def test_a_file_of_faults_is_added_and_one_of_them_cleared(
    fault: Callable[..., Result], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("rules:\n- {fault: slow, delay: 0.1}\n- {fault: reclaim, at: 3}\n")
    added = json.loads(fault("add", "--file", str(plan), "--json").stdout)
    assert [rule["fault"] for rule in added] == ["slow", "reclaim"]
    assert fault("clear", "1").stdout == "1 cleared\n"
    assert fault("list").stdout == "2: reclaim at=3 (struck 0x)\n"


def test_a_start_with_a_plan_has_its_faults(
    fault: Callable[..., Result], own_local_aws: LocalAws, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("- {fault: slow, delay: 0.1}\n")
    start = ["local", "start", "--faults", str(plan), "--seed", "4"]
    running = CliRunner().invoke(app, start)
    assert (running.exit_code, "it runs already" in running.stderr) == (1, True)
    own_local_aws.stop()
    started = CliRunner().invoke(app, start)
    assert started.exit_code == 0, started.stderr
    assert json.loads(fault("list", "--json").stdout) == {
        "seed": 4,
        "rules": [{"id": 1, "fault": "slow", "delay": 0.1, "fired": 0}],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "melt"], "rule 1: fault: 'melt' was given, allowed is one of reclaim"),
        (["add", "slow", "delay=-1"], "delay: -1 was given, allowed is seconds above 0"),
        (["add", "slow", "delay"], "'delay' was given, allowed is key=value"),
        (["add"], "give a kind of fault with its keys, or --file"),
        (["add", "--file", "/nowhere.yaml"], "/nowhere.yaml"),
        (["clear", "7"], "No fault 7"),
    ],
)
def test_what_is_refused_says_why(
    local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("FRUGAL_HOME", str(local_aws.home))
    result = CliRunner().invoke(app, ["local", "fault", *arguments])
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
