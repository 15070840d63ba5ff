"""Captured traffic, a drift job, its event, a queue, a decision: each delivered as AWS may, decided on once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from frugal.aws import clients, windows
from frugal.cli import app
from frugal.events import queue, wiring
from frugal.events.trigger import QueueTrigger
from frugal.retraining import records
from frugal.retraining.weigh import weigh
from frugal.spec.deploy import Deploy
from frugal.stages import drift
from tests.contract.waiting import PATIENCE_SECONDS, await_true

from .conftest import BUCKET, Model

HOUR = timedelta(hours=1)
FIRST = windows.Window.ending_before(datetime.now(UTC) - 40 * HOUR, HOUR)


def window(number: int) -> windows.Window:
    return windows.Window(FIRST.start + number * HOUR, HOUR)


def received(model: Model, number: int = 1) -> list[queue.Message]:
    """At least so many messages of the queue."""
    messages: list[queue.Message] = []

    def enough() -> bool:
        messages.extend(queue.receive(model.wiring))
        return len(messages) >= number

    await_true(enough, f"{number} messages")
    return messages


def decide(model: Model, messages: list[queue.Message], in_flight: int = 0) -> dict[str, Any]:
    jobs = {message.job for message in messages}
    return weigh(model.spec, "gate-run", jobs, in_flight, drift.IN_ENVIRONMENT)


def send(model: Model, name: str, body: str, times: int = 1) -> None:
    for _ in range(times):
        clients.client("sqs").send_message(QueueUrl=wiring.queue_url(name), MessageBody=body)


def event(job: str) -> str:
    return f'{{"detail": {{"ProcessingJobName": "{job}"}}}}'


def test_one_drift_one_retraining_whatever_is_delivered(model: Model) -> None:
    made = wiring.up(model.spec, drift.base_name(model.spec))
    assert wiring.up(model.spec, drift.base_name(model.spec)) == made

    model.capture(window(0))
    assert model.watch(window(0))["verdict"] == "ok"
    quiet = received(model)
    assert decide(model, quiet)["open"] is None
    queue.delete(model.wiring, quiet)

    model.capture(window(1), shift=20)
    found = model.watch(window(1))
    assert (found["verdict"], found["name"]) == ("drift", window(1).name)
    messages = received(model)
    (same_data,) = decide(model, messages)["decided"]
    assert same_data["action"] == "hold"
    assert "the same model" in same_data["why"]
    queue.delete(model.wiring, messages)

    model.add_raw()
    model.capture(window(2), shift=20)
    model.watch(window(2))
    messages = received(model)
    job = messages[0].job
    (decision,) = decide(model, messages)["decided"]
    assert (decision["window"], decision["action"]) == (window(2).name, "retrain")

    # Killed here, the messages come again, and so does the decision, until its outcome is kept.
    send(model, model.wiring.queue, event(job), times=3)
    again = decide(model, [*messages, *received(model, 3)])
    assert again["decided"] == []
    assert again["open"] == decision
    records.conclude(model.place(), window(2).name, started=True, note="drift__...")
    assert decide(model, messages)["open"] is None

    # Older than what was decided: too late to start anything.
    before = windows.Window(FIRST.start - HOUR, HOUR).name
    clients.write_json(windows.place(model.place(), before, windows.VERDICT), found)
    (late,) = decide(model, messages)["decided"]
    assert (late["window"], late["action"]) == (before, "hold")
    assert "was decided already" in late["why"]


def test_what_no_message_told_of_is_found(model: Model) -> None:
    """Where there is no queue, or its messages are gone: the newest of what drifted is acted on, once."""
    run = model.place()
    for number in (10, 11):
        verdict = {"verdict": "drift", "reason": f"area drifted in window {number}"}
        clients.write_json(windows.place(run, window(number).name, windows.VERDICT), verdict)
    model.add_raw()
    result = decide(model, [])
    assert result["open"]["window"] == window(11).name
    actions = {found["window"]: found["action"] for found in result["decided"]}
    assert actions == {window(11).name: "retrain", window(10).name: "hold"}
    records.conclude(run, window(11).name, started=True, note="")
    assert decide(model, [])["decided"] == []


def test_two_deciders_and_one_decision(model: Model) -> None:
    run, uri = model.place(), windows.place(model.place(), "2020-01-01T00Z-1h", "once.json")
    assert records.write_once(uri, {"who": "first"})
    assert not records.write_once(uri, {"who": "second"})
    assert clients.read_json(uri) == {"who": "first"}
    assert run.bucket == BUCKET


def test_a_poison_message_ends_in_the_dead_letter_queue(model: Model) -> None:
    name = model.spec.name
    made = CliRunner().invoke(app, ["events", "up", name])
    assert made.exit_code == 0, made.output
    assert made.output.split() == wiring.up(model.spec, drift.base_name(model.spec))
    clients.client("sqs").purge_queue(QueueUrl=wiring.queue_url(model.wiring.queue))
    send(model, model.wiring.queue, "no JSON")
    send(model, model.wiring.queue, '{"detail": "of something else"}')

    def given_up() -> bool:
        assert queue.receive(model.wiring) == []
        return queue.waiting(model.wiring.dead) == 2

    await_true(given_up, "both in the dead-letter queue")
    assert queue.waiting(model.wiring.queue) == 0
    gone = CliRunner().invoke(app, ["events", "down", name])
    assert len(gone.output.splitlines()) == 4, gone.output
    assert wiring.down(model.spec) == []
    assert queue.receive(model.wiring) == []


def test_a_batch_is_watched_by_what_its_jobs_read(model: Model) -> None:
    """A transform job's data capture leaves manifests of its input objects: SageMaker guide, batch data capture."""
    name, (hour,) = model.spec.name, window(20).hours
    rows = "".join(f"{area},{rooms}\n" for area, rooms in (model.flat(20.0) for _ in range(1000)))
    model.put(f"{name}/batch/in/flats.csv", rows)
    manifest = [{"prefix": f"s3://{BUCKET}/"}, f"{name}/batch/in/flats.csv"]
    clients.write_json(f"s3://{BUCKET}/{name}/capture/input/{hour}/one.json", manifest)
    batch = Deploy.model_validate({"strategy": "batch"})
    predicted = Model(model.spec.model_copy(update={"deploy": batch}))
    found = predicted.watch(window(20))
    assert (found["verdict"], found["window"]["rows"]) == ("drift", 1000)


def test_what_is_not_ours_is_left_alone(model: Model) -> None:
    clients.client("sqs").create_queue(QueueName=model.wiring.dead)
    with pytest.raises(wiring.NotOurs, match="ManagedBy=frugal"):
        wiring.up(model.spec, drift.base_name(model.spec))
    with pytest.raises(wiring.NotOurs, match="ManagedBy=frugal"):
        wiring.down(model.spec)
    clients.client("sqs").delete_queue(QueueUrl=wiring.queue_url(model.wiring.dead))


def test_the_trigger_waits_for_a_queue_and_leaves_the_messages_in_it(model: Model) -> None:
    trigger = QueueTrigger(model.wiring.queue, poll_seconds=0.05)
    path, arguments = trigger.serialize()
    assert path == "frugal.events.trigger.QueueTrigger"

    async def told() -> dict[str, object]:
        seen = asyncio.ensure_future(anext(QueueTrigger(**arguments).run()))
        await asyncio.sleep(0)
        wiring.up(model.spec, drift.base_name(model.spec))
        url = wiring.queue_url(model.wiring.queue)
        clients.client("sqs").send_message(QueueUrl=url, MessageBody="anything")
        event = await asyncio.wait_for(seen, PATIENCE_SECONDS)
        payload: dict[str, object] = event.payload
        return payload

    assert asyncio.run(told()) == {"queue": model.wiring.queue, "messages": 1}
    assert queue.waiting(model.wiring.queue) == 1
    wiring.down(model.spec)
