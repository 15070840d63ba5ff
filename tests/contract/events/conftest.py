"""A model's rule and queues on a local AWS that a test may kill, and a watch on what a trigger tells."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from frugal.aws import clients
from frugal.events import queue, wiring
from frugal.events.wiring import HIDDEN_SECONDS, Wiring
from frugal.local import LocalAws
from frugal.spec import ModelSpec, parse_spec
from tests.contract.waiting import await_true

SPEC = """\
name: {name}
owner: {{team: growth, cost_center: cc-12}}
data:
  target: rent
  key: [id]
  columns: {{id: string, area: float, rent: float}}
evaluate: {{metric: rmse, floor: 1000}}
monitor: {{schedule: "@hourly"}}
"""


@dataclass
class Line:
    """The way of the model's events, which is made anew by `up` and taken away by `down`."""

    local: LocalAws
    spec: ModelSpec

    @property
    def wiring(self) -> Wiring:
        return Wiring(self.spec.name)

    @property
    def url(self) -> str:
        url = wiring.queue_url(self.wiring.queue)
        assert url is not None
        return url

    def up(self) -> None:
        wiring.up(self.spec, f"{self.spec.name}-drift")

    def down(self) -> None:
        wiring.down(self.spec)

    def hide(self, seconds: int) -> None:
        """How long a message is hidden once it was received."""
        self.sqs.set_queue_attributes(
            QueueUrl=self.url, Attributes={"VisibilityTimeout": str(seconds)}
        )

    def send(self, *jobs: str) -> None:
        """The ends of these jobs, as EventBridge tells them, as far as it is read."""
        for job in jobs:
            body = f'{{"detail": {{"ProcessingJobName": "{job}"}}}}'
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def take_all(self) -> None:
        """Receive and delete what waits."""
        queue.delete(self.wiring, queue.receive(self.wiring))

    @property
    def sqs(self) -> Any:
        return clients.client("sqs")

    def kill(self) -> None:
        """SIGKILL to the local AWS, once what it was told is on its disk, which takes it a moment."""
        saved, before = self.local.state / "services" / "sqs.pickle", time.time()
        self.hide(HIDDEN_SECONDS)
        await_true(lambda: saved.stat().st_mtime >= before, "the messages to be on disk")
        os.kill(int(self.local.status()["pid"]), signal.SIGKILL)
        await_true(lambda: not self.local.status()["running"], "the end of the local AWS")


@contextmanager
def line_of(local: LocalAws, name: str) -> Iterator[Line]:
    """Queues and rule of a model of that name."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in local.client_environment().items():
            patch.setenv(variable, value)
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
        clients.forget()
        line = Line(local, parse_spec(SPEC.format(name=name)))
        line.up()
        yield line
    clients.forget()


@pytest.fixture
def line(local_aws: LocalAws) -> Iterator[Line]:
    """A model of its own in the account that tests share."""
    with line_of(local_aws, f"q{uuid.uuid4().hex[:10]}") as line:
        yield line
        line.down()


@pytest.fixture
def own_line(own_local_aws: LocalAws) -> Iterator[Line]:
    """A model in a local AWS that may be killed, and whose clock may be shifted."""
    with line_of(own_local_aws, "flats") as line:
        yield line
