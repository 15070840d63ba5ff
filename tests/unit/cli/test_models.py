"""What the commands say when the model, or the AWS, that they need is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from frugal.cli import app


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of two models."""
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    for name in ("churn", "rents"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "model.yaml").write_text("name: broken\n")
    return tmp_path / "models"


@pytest.mark.parametrize("command", ["plan", "choose", "remove", "load-test"])
def test_an_unknown_model_is_told_the_known_ones(models: Path, command: str) -> None:
    refused = CliRunner().invoke(app, [command, "rent"])
    assert refused.exit_code == 1
    assert refused.stderr == f"frugal: no model 'rent' in {models}; there are: churn, rents\n"


@pytest.mark.parametrize("missing", ["AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"])
def test_who_has_no_aws_is_told_of_the_local_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    monkeypatch.delenv(missing)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    refused = CliRunner().invoke(app, ["cleanup"])
    assert refused.exit_code == 1
    assert 'for the local AWS: eval "$(bin/frugal local env)"' in refused.stderr
