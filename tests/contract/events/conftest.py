"""A model's rule and queues on a local AWS that a test may kill, and a watch on what a trigger tells."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import clients
from frugal.events import queue, wiring
from frugal.events.queue import Message
from frugal.events.wiring import HIDDEN_SECONDS, Wiring
from frugal.local import LocalAws
from frugal.spec import ModelSpec, parse_spec
from tests.contract.conftest import run_local_aws
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

    def touch(self) -> None:
        """Set the queue as it is set already."""
        self.sqs.set_queue_attributes(
            QueueUrl=self.url, Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)}
        )

    def hidden_ones_return(self) -> None:
        """Let as much time pass as a message is hidden once it was received."""
        self.local.ask("POST", "/_local/clock", {"Shift": HIDDEN_SECONDS})

    def send(self, *jobs: str) -> None:
        """The ends of these jobs, as EventBridge tells them, as far as it is read."""
        for job in jobs:
            body = f'{{"detail": {{"ProcessingJobName": "{job}"}}}}'
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def put_back(self, message: Message) -> None:
        """Let a message that was received be seen again."""
        self.sqs.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=message.receipt, VisibilityTimeout=0
        )

    def take_all(self) -> None:
        """Receive and delete what waits."""
        queue.delete(self.wiring, queue.receive(self.wiring))

    @property
    def sqs(self) -> Any:
        return clients.client("sqs")

    def save(self) -> None:
        """Await that the queues are written to disk once more."""
        saved, before = self.local.state / "services" / "sqs.pickle", time.time()
        self.touch()
        await_true(lambda: saved.stat().st_mtime >= before, "the messages to be on disk")

    def kill(self) -> None:
        """SIGKILL to the local AWS, once what it was told is on its disk, which takes it a moment."""
        for _ in range(2):  # what is written first may have been read before the last message came
            self.save()
        os.kill(int(self.local.status()["pid"]), signal.SIGKILL)
        await_true(lambda: not self.local.status()["running"], "the end of the local AWS")


@pytest.fixture(scope="session")
def mortal_aws(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[LocalAws]:
    """A local AWS that may be killed and started again, and whose clock may be shifted."""
    home = tmp_path_factory.mktemp("events")
    yield from run_local_aws(home, python_of("local-aws").parents[2])


@pytest.fixture
def line(mortal_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """Queues and rule of a model of its own."""
    for variable, value in mortal_aws.client_environment().items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    clients.forget()
    line = Line(mortal_aws, parse_spec(SPEC.format(name=f"q{uuid.uuid4().hex[:10]}")))
    line.up()
    yield line
    clients.forget()
