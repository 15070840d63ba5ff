"""Local AWSs for contract tests, with states of their own and the environments that make built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from frugal.local import LocalAws
from tests.contract.ports import hold_port


def run_local_aws(home: Path, envs: Path, kind: type[LocalAws] = LocalAws) -> Iterator[LocalAws]:
    """A local AWS on a free port, from its start to its end."""
    (home / "envs").symlink_to(envs)
    with hold_port() as held:
        local = kind(home, held.getsockname()[1])
        local.start()
        yield local
        local.stop()


@pytest.fixture(scope="session", autouse=True)
def _models_of_services_are_read_once() -> Iterator[None]:
    """Airflow's hook makes each client a botocore session, which reads the service's model anew: 0.1 s of CPU."""
    read, known = Loader.load_data_with_path, dict[tuple[str, ...], Any]()

    def read_once(loader: Loader, name: str) -> Any:
        key = (*loader.search_paths, name)
        if key not in known:
            known[key] = read(loader, name)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "load_data_with_path", read_once)
        yield


@pytest.fixture(scope="session")
def local_aws(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[LocalAws]:
    """The local AWS that tests share."""
    yield from run_local_aws(tmp_path_factory.mktemp("frugal"), python_of("local-aws").parents[2])


@pytest.fixture
def own_local_aws(tmp_path: Path, python_of: Callable[[str], Path]) -> Iterator[LocalAws]:
    """A local AWS for one test, which may kill it and start it again."""
    yield from run_local_aws(tmp_path, python_of("local-aws").parents[2])


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
