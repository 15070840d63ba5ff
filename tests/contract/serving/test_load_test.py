"""`frugal load-test` at the endpoints of several strategies, and what it does not take for a measurement."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from frugal.cli import app
from frugal.serving.load_test import report
from tests.contract.serving.conftest import INFERENCE, Account, text_of

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A payload of two rows."""
    path = tmp_path / "rows.csv"
    path.write_text("1\n2\n")
    return path


def write_model(account: Account, deploy: str) -> Path:
    include = Path(os.environ["FRUGAL_INCLUDE"])
    folder = include / "models" / account.name
    folder.mkdir(parents=True)
    (folder / "train.py").touch()
    (folder / "inference.py").write_text(INFERENCE)
    (folder / "model.yaml").write_text(text_of(account.name, deploy))
    (include / "prices").symlink_to(REPOSITORY / "include" / "prices")
    return folder


def load_test(account: Account, rows: Path, *options: str) -> Result:
    return CliRunner().invoke(
        app, ["load-test", account.name, "--payload", str(rows), "--json", *options]
    )


@pytest.mark.parametrize("strategy", ["multi-model", "scale-to-zero"])
def test_it_asks_what_stands_behind_the_endpoint(
    account: Account, rows: Path, strategy: str
) -> None:
    from frugal.serving.publish import go_live

    deploy = f"{{strategy: {strategy}, instance: ml.m5.large, autoscale: {{min: 1, max: 2}}}}"
    if strategy == "multi-model":
        deploy = f"{{strategy: multi-model, endpoint: {account.name}-shared}}"
    write_model(account, deploy)
    spec = account.spec(deploy)
    inputs = account.take_live(spec, account.version(10))
    if strategy == "multi-model":
        missing = load_test(account, rows, "--rate", "20", "--seconds", "1")
        assert missing.exit_code == 1
        assert "no version is live" in missing.output
        go_live(spec, inputs)
    done = load_test(account, rows, "--rate", "20", "--seconds", "1")
    assert done.exit_code == 0, done.output
    (measured,) = json.loads(done.output)["tried"]
    assert measured["errors"] == {}
    account.take_away(deploy)


def test_an_endpoint_that_does_not_answer_is_not_measured(
    account: Account, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "CALM_SECONDS", 1.0)
    deploy = "{strategy: serverless}"
    folder = write_model(account, deploy)
    account.take_live(account.spec(deploy), account.version(None))
    refused = load_test(account, rows, "--save", "--seconds", "1")
    assert refused.exit_code == 1
    assert f"{account.name} answered none of" in refused.output
    assert not (folder / "measured.json").exists()
    account.take_away(deploy)


@pytest.mark.parametrize(
    ("deploy", "options", "complaint"),
    [
        ("{strategy: batch}", (), "is served as batch"),
        ("{strategy: serverless}", (), "Could not find endpoint"),
        ("{strategy: serverless}", ("--rate", "1e9"), "more than 1,000,000 requests"),
        ("{strategy: serverless}", ("--payload", os.devnull), "holds no rows to send"),
        ("{strategy: serverless}", ("--recorded", os.devnull), "holds no times"),
    ],
)
def test_what_cannot_be_tested_is_said_in_a_line(
    account: Account, rows: Path, deploy: str, options: tuple[str, ...], complaint: str
) -> None:
    write_model(account, deploy)
    refused = load_test(account, rows, *options)
    assert refused.exit_code == 1
    assert isinstance(refused.exception, SystemExit)
    assert complaint in refused.output
