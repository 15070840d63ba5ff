"""One local AWS for all contract tests, with a state of its own and the environments make built."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frugal.local import LocalAws


@pytest.fixture(scope="session")
def local_aws(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[LocalAws]:
    """A running local AWS on a free port."""
    home = tmp_path_factory.mktemp("frugal")
    (home / "envs").symlink_to(python_of("local-aws").parents[2])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    local = LocalAws(home, port)
    local.start()
    yield local
    local.stop()


@pytest.fixture
def aws_environment(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """This process's AWS clients and Airflow's default connection point at the local AWS.

    Returns the variables, for clients that are programs of their own.
    """
    environment = local_aws.client_environment()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    return environment
