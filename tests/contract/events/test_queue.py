"""A model's queue when it is full, gone, or in an AWS that dies."""

from __future__ import annotations

import logging

import pytest

from frugal.aws import clients
from frugal.events import queue, wiring
from frugal.events.queue import Message
from tests.contract.waiting import await_true

from .conftest import Line


def received(line: Line, number: int) -> list[Message]:
    """At least so many messages."""
    found: list[Message] = []

    def enough() -> bool:
        found.extend(queue.receive(line.wiring))
        return len(found) >= number

    await_true(enough, f"{number} messages")
    return found


def test_what_waits_outlives_an_aws_that_is_killed_and_what_was_taken_comes_again(
    line: Line,
) -> None:
    jobs = [f"flats-drift-{number}" for number in range(25)]
    line.send(*jobs)
    taken = received(line, 25)
    assert sorted(message.job for message in taken) == sorted(jobs)
    assert queue.waiting(line.wiring.queue) == 0
    line.send("flats-drift-late")
    line.kill()
    line.local.start()
    late = received(line, 1)
    assert [message.job for message in late] == ["flats-drift-late"]

    queue.delete(line.wiring, [*taken, *late])
    line.send(*jobs[:3], jobs[0])
    again = received(line, 4)
    assert sorted(message.job for message in again) == sorted([*jobs[:3], jobs[0]])
    assert queue.waiting(line.wiring.queue) == 0
    line.hidden_ones_return()
    assert queue.waiting(line.wiring.queue) == 4


def test_a_queue_that_is_gone_holds_nothing_and_that_is_said(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.send("flats-drift-1")
    (message,) = received(line, 1)
    line.down()
    queue.delete(line.wiring, [message])
    with caplog.at_level(logging.WARNING):
        assert queue.receive(line.wiring) == []
    assert f"There is no queue {line.wiring.queue}" in caplog.text
    assert f"frugal events up {line.spec.name}" in caplog.text
    assert queue.waiting(line.wiring.queue) is None


def test_a_queue_that_goes_between_two_looks_holds_nothing(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = line.url
    line.down()
    monkeypatch.setattr(queue, "queue_url", lambda name: url)
    assert queue.receive(line.wiring) == []
    assert queue.waiting(line.wiring.queue) is None
    queue.delete(line.wiring, [Message("flats-drift-1", "receipt")])


def test_what_could_not_be_deleted_is_said(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.send("flats-drift-1")
    (message,) = received(line, 1)
    with caplog.at_level(logging.WARNING):
        queue.delete(line.wiring, [message, Message("flats-drift-2", "no receipt")])
    assert "flats-drift-2" in caplog.text
    assert "flats-drift-1" not in caplog.text


def test_messages_that_nobody_can_read_leave_the_others_alone(line: Line) -> None:
    bodies = ["no JSON", "[]", '{"detail": {"ProcessingJobName": 3}}', '{"detail": null}']
    for body in bodies:
        clients.client("sqs").send_message(QueueUrl=line.url, MessageBody=body)
        line.send("flats-drift-1")
    assert {message.job for message in received(line, 4)} == {"flats-drift-1"}
    await_true(lambda: queue.receive(line.wiring) == [] and dead(line) == 4, "the dead letters")
    sqs, url = clients.client("sqs"), wiring.queue_url(line.wiring.dead)
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"] for message in found) == sorted(bodies)


def test_messages_that_cannot_be_put_back_leave_the_others_alone(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"service": "sqs", "operation": "ChangeMessageVisibility"}
    rule = {"fault": "error", "error": "ExpiredTokenException", "count": 1, **broken}
    line.local.ask("POST", "/_local/faults", rule)
    clients.client("sqs").send_message(QueueUrl=line.url, MessageBody="no JSON")
    line.send("flats-drift-1")
    with caplog.at_level(logging.WARNING):
        assert [message.job for message in received(line, 1)] == ["flats-drift-1"]
    assert "ExpiredToken" in caplog.text


def test_messages_that_waited_for_days_are_put_back_as_others_are(line: Line) -> None:
    clients.client("sqs").send_message(QueueUrl=line.url, MessageBody="no JSON")
    line.send("flats-drift-1")
    line.local.ask("POST", "/_local/clock", {"Shift": 3 * 24 * 3600})
    assert [message.job for message in received(line, 1)] == ["flats-drift-1"]
    await_true(lambda: queue.receive(line.wiring) == [] and dead(line) == 1, "the dead letter")


def dead(line: Line) -> int | None:
    return queue.waiting(line.wiring.dead)
