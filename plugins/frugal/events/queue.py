"""Messages of a model's queue: read, and deleted only once what they tell is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from frugal.aws import clients
from frugal.events.wiring import Wiring, queue_url

A_BATCH = 10  # ReceiveMessage, botocore's model
MOST = 1000


@dataclass(frozen=True)
class Message:
    """A drift job that ended, and by what its message is deleted."""

    job: str
    receipt: str


def receive(wiring: Wiring) -> list[Message]:
    """Everything that waits; nothing where there is no queue.

    What cannot be read is put back at once, which counts: after `wiring.RECEIVES` it is in the dead-letter queue.
    """
    url = queue_url(wiring.queue)
    return list(_received(clients.client("sqs"), url)) if url else []


def _received(sqs: Any, url: str) -> Iterator[Message]:
    for _ in range(MOST):
        asked = {"QueueUrl": url, "MaxNumberOfMessages": A_BATCH, "WaitTimeSeconds": 1}
        messages = sqs.receive_message(**asked).get("Messages", [])
        if not messages:
            return
        for message in messages:
            job = job_of(message["Body"])
            if job is not None:
                yield Message(job, message["ReceiptHandle"])
                continue
            receipt = message["ReceiptHandle"]
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)


def job_of(body: str) -> str | None:
    """Name of the job whose end an event tells; None for anything else."""
    try:
        job = json.loads(body)["detail"]["ProcessingJobName"]
    except (ValueError, KeyError, TypeError):
        return None
    return job if isinstance(job, str) and job else None


def delete(wiring: Wiring, messages: list[Message]) -> None:
    """Delete what was received. One that was received again meanwhile stays, which does no harm."""
    url = queue_url(wiring.queue)
    sqs = clients.client("sqs")
    for start in range(0, len(messages), A_BATCH):
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt}
            for number, message in enumerate(messages[start : start + A_BATCH])
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def waiting(name: str) -> int:
    """Messages that can be received from a queue, about; 0 without a queue."""
    url = queue_url(name)
    if url is None:
        return 0
    key = "ApproximateNumberOfMessages"
    found = clients.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[key])
    return int(found["Attributes"][key])
