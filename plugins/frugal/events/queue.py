"""Messages of a model's queue: read, and deleted only once what they tell is recorded."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from frugal.aws import clients
from frugal.events.wiring import Wiring, queue_url

log = logging.getLogger(__name__)

A_BATCH = 10  # ReceiveMessage, botocore's model
MOST = 1000


@dataclass(frozen=True)
class Message:
    """A drift job that ended, and by what its message is deleted."""

    job: str
    receipt: str


def receive(wiring: Wiring) -> list[Message]:
    """Everything that waits; nothing where there is no queue, which is logged.

    What cannot be read is put back at once, which counts: after `wiring.RECEIVES` it is in the dead-letter queue.
    """
    sqs, url, messages = clients.client("sqs"), queue_url(wiring.queue), list[Message]()
    try:
        if url is not None:
            messages.extend(_received(sqs, url))
            return messages
    except sqs.exceptions.QueueDoesNotExist:
        pass
    log.warning(
        "There is no queue %s: what drifted is looked for in S3 alone; `frugal events up %s` makes one",
        wiring.queue,
        wiring.model,
    )
    return messages


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
            _put_back(sqs, url, message)


def _put_back(sqs: Any, url: str, message: Mapping[str, Any]) -> None:
    """Show a message to others at once; when that fails, they see it when its time is over."""
    receipt = message["ReceiptHandle"]
    try:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    except sqs.exceptions.ClientError as error:
        log.warning("Nobody can read %s, nor put it back: %s", message["MessageId"], error)


def job_of(body: str) -> str | None:
    """Name of the job whose end an event tells; None for anything else."""
    try:
        job = json.loads(body)["detail"]["ProcessingJobName"]
    except (ValueError, KeyError, TypeError):
        return None
    return job if isinstance(job, str) and job else None


def delete(wiring: Wiring, messages: list[Message]) -> None:
    """Delete what was received. One that is left, which is logged, comes again and does no harm."""
    sqs, url = clients.client("sqs"), queue_url(wiring.queue)
    if url is None:
        return
    for start in range(0, len(messages), A_BATCH):
        batch = messages[start : start + A_BATCH]
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt}
            for number, message in enumerate(batch)
        ]
        try:
            answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        except sqs.exceptions.QueueDoesNotExist:
            return
        for failed in answer.get("Failed", []):
            job = batch[int(failed["Id"])].job
            log.warning("The message of %s is still there: %s", job, failed.get("Message"))


def waiting(name: str) -> int | None:
    """Messages that can be received from a queue, about; None without a queue."""
    sqs, url = clients.client("sqs"), queue_url(name)
    if url is None:
        return None
    key = "ApproximateNumberOfMessages"
    try:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[key])
    except sqs.exceptions.QueueDoesNotExist:
        return None
    return int(found["Attributes"][key])
