"""A model without a training, and the local AWS that these tests share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from frugal.aws import clients
from frugal.local import LocalAws
from frugal.spec import ModelSpec, parse_spec

SPEC = """\
name: {name}
owner: {{team: growth, cost_center: cc-12}}
data:
  target: rent
  key: [id]
  columns: {{id: string, area: float, rooms: integer, rent: float}}
evaluate: {{metric: rmse, floor: 1000}}
"""


@pytest.fixture
def spec() -> ModelSpec:
    return parse_spec(SPEC.format(name=f"m{uuid.uuid4().hex[:10]}"))


@pytest.fixture(autouse=True)
def _pointed(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process's clients are the local AWS's."""
    for name, value in local_aws.client_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    clients.forget()
    yield
    clients.forget()
