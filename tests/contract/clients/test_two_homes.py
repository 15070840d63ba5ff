"""`frugal local` in two homes: each finds its own local AWS, and leaves the other's alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import demo.aws
from demo.home import Home
from frugal.cli import app
from frugal.local import LocalAws
from tests.contract.ports import hold_port


def frugal(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["local", *arguments])


def test_another_home_s_local_aws_is_left_alone(
    own_local_aws: LocalAws,
    python_of: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "envs").symlink_to(python_of("local-aws").parents[2])
    monkeypatch.setenv("FRUGAL_HOME", str(home))
    monkeypatch.setenv("FRUGAL_LOCAL_AWS_PORT", str(own_local_aws.port))
    foreign = f"the local AWS of {own_local_aws.state}"
    pid = own_local_aws.status()["pid"]

    start = frugal("start")
    assert start.exit_code == 1
    assert f"port {own_local_aws.port} is taken by {foreign}" in start.stderr
    assert "FRUGAL_LOCAL_AWS_PORT" in start.stderr
    stop = frugal("stop")
    assert (stop.exit_code, foreign in stop.stdout) == (0, True)
    status = frugal("status", "--json")
    assert (status.exit_code, json.loads(status.stdout)["taken_by"]) == (1, foreign)
    assert foreign in frugal("interrupt", "job").stderr
    assert foreign in frugal("env").stderr
    of_demo = demo.aws.LocalAws(Home(home), own_local_aws.port)
    assert (of_demo.running, of_demo.url == own_local_aws.url) == (False, False)
    assert own_local_aws.status()["pid"] == pid


def test_its_own_is_found_on_whatever_port(
    own_local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRUGAL_HOME", str(own_local_aws.home))
    monkeypatch.delenv("FRUGAL_LOCAL_AWS_PORT", raising=False)
    assert json.loads(frugal("start", "--json").stdout) == own_local_aws.status()
    assert json.loads(frugal("status", "--json").stdout) == own_local_aws.status()
    assert f"export AWS_ENDPOINT_URL={own_local_aws.url}\n" in frugal("env").stdout
    unknown = frugal("interrupt", "nobody")
    assert (unknown.exit_code, unknown.stderr) == (1, "frugal: No training job 'nobody'\n")
    with hold_port() as held:
        other = held.getsockname()[1]
        of_demo = demo.aws.LocalAws(Home(own_local_aws.home), other)
        assert (of_demo.running, of_demo.url) == (True, own_local_aws.url)

        monkeypatch.setenv("FRUGAL_LOCAL_AWS_PORT", str(other))
        assert f"it runs at {own_local_aws.url} already" in frugal("start").stderr
    monkeypatch.delenv("FRUGAL_LOCAL_AWS_PORT")
    assert frugal("stop").stdout == "stopped\n"
    assert not own_local_aws.status()["running"]
    assert not (own_local_aws.state / "local-aws.port").exists()
