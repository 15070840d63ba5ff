"""`frugal local` where no local AWS of this home runs: nothing at the port, or another program."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from frugal.cli import app


class Teapot(BaseHTTPRequestHandler):
    """Another program: no local AWS, though it answers."""

    def do_GET(self) -> None:
        self.send_response(418)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: object) -> None:
        """Nothing to the terminal."""


@pytest.fixture
def frugal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Runs `frugal local` in an empty home, on a port that is held so that nothing listens there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("FRUGAL_LOCAL_AWS_PORT", str(held.getsockname()[1]))
        monkeypatch.setenv("FRUGAL_HOME", str(tmp_path))
        yield lambda *arguments: CliRunner().invoke(app, ["local", *arguments])


@pytest.fixture
def teapot(frugal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Another program has the port."""
    with HTTPServer(("127.0.0.1", 0), Teapot) as server:
        monkeypatch.setenv("FRUGAL_LOCAL_AWS_PORT", str(server.server_port))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_nothing_runs(frugal: Callable[..., Result], tmp_path: Path) -> None:
    status = frugal("status", "--json")
    assert status.exit_code == 1
    state = json.loads(status.stdout)
    assert (state["running"], "taken_by" in state) == (False, False)
    assert frugal("stop").stdout == "was not running\n"
    interrupt = frugal("interrupt", "job")
    assert (interrupt.exit_code, interrupt.stdout) == (1, "")
    said = f"frugal: no local AWS of {tmp_path / 'local-aws'} runs at {state['url']}\n"
    assert interrupt.stderr == said


def test_another_program_that_has_the_port_is_left_alone(
    frugal: Callable[..., Result], teapot: str, tmp_path: Path
) -> None:
    python = tmp_path / "envs" / "local-aws" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    port = teapot.rpartition(":")[2]
    start = frugal("start")
    assert start.exit_code == 1
    assert f"port {port} is taken by another program: set FRUGAL_LOCAL_AWS_PORT" in start.stderr
    left = f"{teapot} is left alone: another program"
    assert frugal("stop").stdout == f"was not running; {left}\n"
    assert f"not running; {left}\n" in frugal("status").stdout
    env = frugal("env")
    assert (env.exit_code, env.stdout) == (1, "")
    assert "is taken by another program" in frugal("interrupt", "job").stderr


def test_a_port_that_a_killed_one_left_behind_is_not_believed(
    frugal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "local-aws").mkdir()
    port = os.environ["FRUGAL_LOCAL_AWS_PORT"]
    (tmp_path / "local-aws" / "local-aws.port").write_text(f"{port}\n")
    monkeypatch.delenv("FRUGAL_LOCAL_AWS_PORT")
    assert json.loads(frugal("status", "--json").stdout)["url"] == "http://127.0.0.1:4566"


def test_usage_names_the_command(python_of: Callable[[str], Path], repository: Path) -> None:
    command = [str(python_of("airflow")), "-m", "frugal.cli", "local", "interrupt"]
    environment = {**os.environ, "PYTHONPATH": str(repository / "plugins")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "Usage: frugal local interrupt" in done.stderr


def test_there_is_nothing_to_stop_before_anything_is_built(
    repository: Path, tmp_path: Path
) -> None:
    command = ["make", "-s", "-C", str(repository), "local-stop", f"FRUGAL_HOME={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["status", "start", "stop", "env"])
def test_a_port_that_is_none_names_the_variable(
    frugal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("FRUGAL_LOCAL_AWS_PORT", "abc")
    refused = frugal(command)
    assert refused.exit_code == 1
    assert refused.stderr == "frugal: FRUGAL_LOCAL_AWS_PORT must be a port, 1 to 65535, not 'abc'\n"


def test_a_region_that_is_none_is_refused_with_those_that_are() -> None:
    refused = CliRunner().invoke(app, ["reap", "--region", "mars-1"])
    assert refused.exit_code == 1
    assert "--region mars-1: no region of SageMaker; allowed: af-south-1," in refused.stderr
