"""How long a message of SQS stays hidden: 12 hours at most from when it was received (SQS, ChangeMessageVisibility).

moto counts them from when it was sent, and refuses to show a message again that waited for longer.
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid
from moto.sqs.models import Message, SQSBackend

LONGEST_SECONDS = 12 * 3600
_RECEIVED = "received_at"

_mark_received: Any = Message.mark_received


def install() -> None:
    """Let moto count as SQS does."""
    Message.mark_received = _note_received  # type: ignore[method-assign]
    SQSBackend.change_message_visibility = _change  # type: ignore[method-assign]


def _note_received(self: Message, visibility_timeout: int | None = None) -> None:
    setattr(self, _RECEIVED, unix_time_millis())
    _mark_received(self, visibility_timeout)


def _change(
    self: SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    """moto's own, but for the sum."""
    queue = self.get_queue(queue_name)
    for message in queue._messages:
        if not message.had_receipt_handle(receipt_handle):
            continue
        until = unix_time_millis() + int(visibility_timeout) * 1000
        if until - getattr(message, _RECEIVED, until) > LONGEST_SECONDS * 1000:
            raise InvalidParameterValue(
                f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total "
                f"VisibilityTimeout for the message is beyond the limit [{LONGEST_SECONDS} seconds]"
            )
        message.change_visibility(visibility_timeout)
        if message.visible and message in queue.pending_messages:
            queue.pending_messages.remove(message)
        return
    raise ReceiptHandleIsInvalid
