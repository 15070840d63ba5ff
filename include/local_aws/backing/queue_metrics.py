"""CloudWatch's metrics of queues, read off moto's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import moto.backends

from local_aws import ACCOUNT

if TYPE_CHECKING:
    from local_aws.execution.meter import Meter

NAMESPACE = "AWS/SQS"


def sample(meter: Meter) -> None:
    """How many messages each queue has now. AWS does so once a minute, and not for queues that nobody
    used for six hours (SQS developer guide, "Available CloudWatch metrics")."""
    backends: Any = moto.backends.get_backend("sqs")
    for region, backend in list(backends[ACCOUNT].items()):
        for queue in list(backend.queues.values()):
            values = {
                "ApproximateNumberOfMessagesVisible": queue.approximate_number_of_messages,
                "ApproximateNumberOfMessagesNotVisible": (
                    queue.approximate_number_of_messages_not_visible
                ),
            }
            meter.put(region, {"QueueName": queue.name}, values, "Count", NAMESPACE)
