"""A local AWS for a seeded account, and this process's clients pointed at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frugal.aws import clients
from tests.contract.cleanup.account import Account
from tests.contract.cleanup.nights import Nights
from tests.contract.cleanup.seeded.light import LightAws
from tests.contract.cleanup.seeded.seed import BUCKET
from tests.contract.conftest import run_local_aws

ENVIRONMENT = "production"


@pytest.fixture(scope="module", autouse=True)
def _new_clients() -> Iterator[None]:
    """Those of other modules ask another local AWS."""
    clients.forget()
    yield
    clients.forget()


@pytest.fixture(scope="module")
def light_aws(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[LightAws]:
    """A local AWS whose containers start at once."""
    home = tmp_path_factory.mktemp("seeded")
    for local in run_local_aws(home, python_of("local-aws").parents[2], LightAws):
        assert isinstance(local, LightAws)
        yield local


@pytest.fixture(scope="module")
def account_of_module(light_aws: LightAws) -> Account:
    return Account(light_aws, ENVIRONMENT)


@pytest.fixture
def seeded(account_of_module: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """The module's account, where Frugal's clients and its environment point; at first there is nothing in it."""
    for name, value in account_of_module.local.client_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    monkeypatch.setenv("FRUGAL_ENVIRONMENT", ENVIRONMENT)
    monkeypatch.setenv("FRUGAL_BUCKET", BUCKET)
    clients.forget()
    yield account_of_module
    clients.forget()


@pytest.fixture
def nights(seeded: Account, repository: Path) -> Iterator[Nights]:
    """Nights over that account; the clock is set back afterwards."""
    found = Nights(seeded, repository / "include")
    yield found
    seeded.settle()  # what was to end soon would end only when the clock is there again
    seeded.shift(-found.passed)
