"""A model without a training, and the local AWS that these tests share: on it an hour lasts 108 seconds."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import clients
from frugal.local import LocalAws
from frugal.spec import ModelSpec, parse_spec
from tests.contract.conftest import run_local_aws
from tests.contract.waiting import await_true

CLOCK = 0.03
HOUR = 3600 * CLOCK
SPEC = """\
name: {name}
owner: {{team: growth, cost_center: cc-12}}
data:
  target: rent
  key: [id]
  columns: {{id: string, area: float, rooms: integer, rent: float}}
evaluate: {{metric: rmse, floor: 1000}}
deploy: {{strategy: realtime}}
monitor:
  backend: model-monitor
  schedule: "@hourly"
  window: 1h
  truth: {name}/truth
"""


class QuickAws(LocalAws):
    """A local AWS on which AWS's times are short."""

    def command(self) -> list[str]:
        return [*super().command(), "--clock", str(CLOCK)]

    def crash(self) -> None:
        """Kill it and start it again."""
        pid = self.status()["pid"]
        os.kill(pid, signal.SIGKILL)
        await_true(lambda: not self.status()["running"], "the local AWS to be gone")
        self.start()

    def clock(self, **asked: float) -> float:
        """What time it is there, after the clock was set as asked."""
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("POST" if asked else "GET", "/_local/clock", json.dumps(asked))
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return float(found["Now"]) if "Now" in found else self.clock()


@pytest.fixture(scope="session")
def quick_aws(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[LocalAws]:
    """The local AWS that the tests of this folder share."""
    home = tmp_path_factory.mktemp("monitoring")
    yield from run_local_aws(home, python_of("local-aws").parents[2], QuickAws)


@pytest.fixture
def spec() -> ModelSpec:
    return parse_spec(SPEC.format(name=f"m{uuid.uuid4().hex[:10]}"))


@pytest.fixture(autouse=True)
def _pointed(quick_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process's clients are the local AWS's."""
    for name, value in quick_aws.client_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    clients.forget()
    yield
    clients.forget()
