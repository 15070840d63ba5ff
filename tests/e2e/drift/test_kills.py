"""The way from a drift job's end to a training, while the parts of it are killed and started again."""

from __future__ import annotations

import json
from functools import partial

import pytest

from demo.airflow import COMPONENTS
from tests.e2e.drift.flats import FLATS, ROOMS, Flats, Messages
from tests.e2e.drift.patience import until
from tests.faults.cluster import AWS, Cluster

pytestmark = pytest.mark.timeout(1800)
DAY_SECONDS = 24 * 3600


@pytest.fixture(scope="module")
def rooms(running: Cluster) -> Flats:
    """A model that drifted, with a queue that somebody deleted before its message was taken."""
    rooms = Flats(running, ROOMS)
    rooms.subscribe()
    rooms.listen()
    rooms.drift(1)
    until(lambda: rooms.messages() == Messages(1, 0), "the message")
    sqs = running.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=rooms.queue)["QueueUrl"])
    running.api.unpause(rooms.retrain)
    return rooms


@pytest.fixture
def flats(cluster: Cluster, rooms: Flats) -> Flats:
    """A model whose queue is watched, with nothing left to do."""
    flats = Flats(cluster, FLATS)
    flats.listen()
    cluster.api.unpause(flats.retrain)
    flats.rest()
    return flats


def event(job: str) -> str:
    """A message as EventBridge leaves it, as far as it is read."""
    return json.dumps({"detail": {"ProcessingJobName": job}})


def awaited(flats: Flats, *numbers: int) -> None:
    """Await decisions on these windows, and that nothing is left to do."""
    for number in numbers:
        window = flats.window(number)
        until(partial(flats.read, number, "decision.json"), f"a decision on {window}")
    flats.rest()


def test_nothing_is_lost_while_all_of_airflow_is_down(cluster: Cluster, flats: Flats) -> None:
    """A day passes. Windows end out of order meanwhile, and are told of several times, among messages that nobody can
    read; and the local AWS is killed, too."""
    trained = flats.trained()
    for name in COMPONENTS:
        cluster.kill(name)
    jobs = flats.drift(12, 13, 11)
    flats.send(
        *[event(job) for job in (*jobs, *jobs, jobs[0])],
        "no JSON",
        '{"detail": "of something else"}',
    )
    until(lambda: flats.messages() == Messages(12, 0), "twelve messages")
    flats.save()
    cluster.kill(AWS)
    cluster.restart(AWS)
    assert flats.messages() == Messages(12, 0)
    cluster.pass_time(DAY_SECONDS)
    cluster.revive()
    awaited(flats, 11, 12, 13)
    assert flats.trained() == [*trained, f"drift__{flats.window(13)}"]
    assert {n: flats.read(n, "decision.json")["action"] for n in (11, 12)} == {
        11: "hold",
        12: "hold",
    }
    dead = f"{flats.queue}-dead"
    until(lambda: flats.messages(dead) == Messages(2, 0), "the dead letters")
    mails: list[str] = []

    def told() -> bool:
        mails.extend(flats.mails())
        return any(f"Messages that nobody could read are in {dead}" in mail for mail in mails)

    until(told, "word of the dead letters")
    assert "asset_triggered" in {run["run_type"] for run in cluster.api.runs(flats.retrain)}


def test_a_scheduler_that_dies_between_event_and_run(cluster: Cluster, flats: Flats) -> None:
    trained, events = flats.trained(), flats.events()
    cluster.freeze("scheduler")
    flats.drift(21)
    until(lambda: flats.events() > events, "the event")
    cluster.kill("scheduler")
    assert flats.messages().waiting == 1
    cluster.restart("scheduler")
    awaited(flats, 21)
    assert flats.trained() == [*trained, f"drift__{flats.window(21)}"]


def test_a_message_whose_taker_died_comes_again_and_is_acted_on_once(
    cluster: Cluster, flats: Flats
) -> None:
    """Triggerer, scheduler and worker die after the decision is kept and before the message is deleted."""
    trained = flats.trained()
    flats.visible_again_after(3)
    cluster.fault("error", error="drop-before", service="sqs", operation="DeleteMessageBatch")
    flats.drift(31)
    until(lambda: flats.read(31, "decision.json"), "the decision")
    for name in ("triggerer", "scheduler"):
        cluster.kill(name)
    until(lambda: flats.messages() == Messages(1, 0), "the message to be seen again")
    cluster.local.ask("DELETE", "/_local/faults")
    cluster.revive()
    awaited(flats, 31)
    until(lambda: flats.read(31, "outcome.json"), "the outcome")
    assert flats.trained() == [*trained, f"drift__{flats.window(31)}"]


def test_without_a_queue_the_windows_are_looked_for(cluster: Cluster, rooms: Flats) -> None:
    until(rooms.trained, "the training")
    assert rooms.trained() == [f"drift__{rooms.window(1)}"]
    assert {run["run_type"] for run in cluster.api.runs(rooms.retrain)} == {"scheduled"}

    def said() -> bool:
        ended = [run for run in cluster.api.runs(rooms.retrain) if run["state"] == "success"]
        logs = (cluster.api.log(rooms.retrain, run["dag_run_id"], "weigh") for run in ended)
        return any(f"There is no queue {rooms.queue}" in log for log in logs)

    until(said, "word of the queue that is gone")
