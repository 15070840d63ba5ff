"""What every suite shares; loaded by each environment's pytest, so Python 3.10 and pytest alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def envs() -> Path:
    """The folder of the locked environments, as `--envs` of the local AWS wants it: `images/` of it."""
    return HOME / "envs" / "images"


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], Path]:
    """Name of a locked environment ("local-aws", "images/xgboost-3.0-5", "awscli") -> its interpreter."""

    def find(name: str) -> Path:
        python = HOME / "envs" / name / "bin" / "python"
        if not python.exists():
            pytest.fail(f"environment {name!r} is not built: run `make envs`")
        return python

    return find


@pytest.fixture(autouse=True)
def _no_aws_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches an AWS account, whatever the shell that started it is logged in to."""
    for name in [
        name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
