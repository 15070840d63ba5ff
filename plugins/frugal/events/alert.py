"""Tells people: a message to an SNS topic, which sends it on to mail, chat or a pager.

The topic is model.yaml's `monitor.alerts`, else FRUGAL_ALERT_TOPIC; without one nobody is told.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from frugal.aws import clients
from frugal.aws.settings import Settings
from frugal.spec import ModelSpec

log = logging.getLogger(__name__)

SUBJECT_LENGTH = 100  # SNS, Publish: ASCII without line breaks, less than 100 characters
BODY_BYTES = 200_000  # of the 256 KiB that a message and its attributes may have


def tell(
    subject: str, body: str, facts: Mapping[str, Any], *, topic: str | None = None
) -> str | None:
    """Publish `body`, and below it `facts` as JSON; returns the MessageId, or None when nobody was told.

    A topic that is gone or denied is logged and raises nothing: what is told of has happened and is recorded elsewhere.
    The strings among `facts` are message attributes too, for subscriptions' filters.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    arn = topic_of(topic)
    if arn is None:
        return None
    text = f"{body}\n\n{json.dumps(dict(facts), indent=2, default=str)}\n"
    region = arn.split(":")[3] if arn.count(":") == 5 else None
    named = {name: value for name, value in facts.items() if isinstance(value, str) and value}
    try:
        answer = clients.client("sns", region).publish(
            TopicArn=arn,
            Subject=_one_line(subject),
            Message=text.encode()[:BODY_BYTES].decode(errors="ignore"),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value[:256]}
                for name, value in list(named.items())[:10]
            },
        )
    except (BotoCoreError, ClientError) as error:
        log.error("Nobody was told %r through %s: %s", subject, arn, error)
        return None
    return str(answer["MessageId"])


def tell_of_drift(
    spec: ModelSpec, found: Mapping[str, Any], report: str | None = None
) -> str | None:
    """Publish what a drift.json says, when it says drift; `report` is where a person reads more."""
    if found["verdict"] != "drift":
        return None
    facts = {key: found[key] for key in ("model", "name", "verdict", "violations")}
    facts |= {"report": report} if report else {}
    subject = f"Drift of {found['model']} in {found['name']}"
    return tell(subject, found["reason"], facts, topic=spec.monitor.alerts)


def topic_of(named: str | None) -> str | None:
    """ARN of the topic: the one that model.yaml names, or this deployment's; None without one."""
    return named or Settings.load().alert_topic


def _one_line(subject: str) -> str:
    plain = " ".join(subject.encode("ascii", "replace").decode().split())
    return plain[: SUBJECT_LENGTH - 1]
