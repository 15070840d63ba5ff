"""Who is told, and by what: a topic of the model's or of the deployment, and the dead-letter queue's alarm."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from frugal.aws import clients
from frugal.events import alert, wiring
from frugal.events.wiring import Wiring
from frugal.spec import ModelSpec
from frugal.stages import drift
from tests.contract.waiting import await_true

Listener = Callable[[], dict[str, Any]]


@pytest.fixture
def listener(spec: ModelSpec) -> tuple[str, Listener]:
    """A topic, and what takes the next message that it sent on."""
    sns, sqs = clients.client("sns"), clients.client("sqs")
    topic = sns.create_topic(Name=f"{spec.name}-people")["TopicArn"]
    url = sqs.create_queue(QueueName=f"{spec.name}-mail")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked["Attributes"]["QueueArn"])

    def take() -> dict[str, Any]:
        def ask() -> Any:
            return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")

        (message,) = await_true(ask, "a message")
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found: dict[str, Any] = json.loads(message["Body"])
        return found

    return topic, take


def test_people_are_told_once_somebody_listens(
    listener: tuple[str, Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, take = listener
    facts = {"model": "prices", "window": "2026-11-22T16Z-1h", "checks": [{"psi": 0.3}]}
    assert alert.tell("Drift", "psi 0.3", facts) is None
    assert alert.tell("Drift of\nprices", "psi 0.3, größer", facts, topic=topic)
    told = take()
    assert told["Subject"] == "Drift of prices"
    body, _, shown = told["Message"].partition("\n\n")
    assert (body, json.loads(shown)) == ("psi 0.3, größer", facts)
    assert told["MessageAttributes"]["model"]["Value"] == "prices"

    monkeypatch.setenv("FRUGAL_ALERT_TOPIC", topic)
    assert alert.tell("x" * 300, "long", {})
    assert take()["Subject"] == "x" * 99


@pytest.mark.parametrize("topic", ["arn:aws:sns:us-east-1:123456789012:gone", "no-arn"])
def test_a_topic_that_is_gone_breaks_nothing(topic: str, caplog: pytest.LogCaptureFixture) -> None:
    assert alert.tell("Drift", "", {}, topic=topic) is None
    assert topic in caplog.text


def test_a_dead_letter_rings(spec: ModelSpec, listener: tuple[str, Listener]) -> None:
    topic, take = listener
    monitor = spec.monitor.model_copy(update={"alerts": topic})
    spec = spec.model_copy(update={"monitor": monitor})
    wiring.up(spec, drift.base_name(spec))
    dead = Wiring(spec.name).dead
    sqs, url = clients.client("sqs"), wiring.queue_url(dead)
    sqs.send_message(QueueUrl=url, MessageBody="no JSON")

    rang = take()
    assert rang["Subject"].startswith(f'ALARM: "{dead}"')
    assert json.loads(rang["Message"])["NewStateValue"] == "ALARM"
    assert f"alarm {dead}" in wiring.down(spec)
    assert clients.client("cloudwatch").describe_alarms(AlarmNames=[dead])["MetricAlarms"] == []


def test_an_alarm_of_somebody_else_is_left_alone(spec: ModelSpec) -> None:
    dead, cloudwatch = Wiring(spec.name).dead, clients.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=dead,
        Namespace="Shop",
        MetricName="Orders",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
    )
    with pytest.raises(wiring.NotOurs, match=dead):
        wiring.up(spec, drift.base_name(spec))
