"""Watches a queue for Airflow, and leaves its messages there: the DAG run that it starts takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from frugal.aws import clients
from frugal.aws.retries import is_expired
from frugal.events import queue

POLL_SECONDS = 60.0
#: With messages that nobody takes (a paused DAG) there is one event in so many seconds.
AGAIN_SECONDS = 900.0


class QueueTrigger(BaseEventTrigger):
    """Fires {"queue", "messages"} when messages wait in the queue of that name, which need not exist yet.

    Airflow's own SQS trigger deletes a message before anything came of it, so that a crash in between loses it.
    """

    def __init__(
        self, queue: str, poll_seconds: float = POLL_SECONDS, again_seconds: float = AGAIN_SECONDS
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.queue, self.poll_seconds, self.again_seconds = queue, poll_seconds, again_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and constructor arguments."""
        names = ("queue", "poll_seconds", "again_seconds")
        return "frugal.events.trigger.QueueTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look for ever; what interrupts one look is tried again."""
        while True:
            waiting = await asyncio.to_thread(self._waiting)
            if not waiting:
                await asyncio.sleep(self.poll_seconds)
                continue
            yield TriggerEvent({"queue": self.queue, "messages": waiting})
            until = asyncio.get_running_loop().time() + self.again_seconds
            while asyncio.get_running_loop().time() < until:
                await asyncio.sleep(self.poll_seconds)
                if not await asyncio.to_thread(self._waiting):
                    break

    def _waiting(self) -> int:
        try:
            return queue.waiting(self.queue)
        except Exception as error:
            self.log.warning("Could not see %s, will look again: %s", self.queue, error)
            if is_expired(error):
                clients.forget()
            return 0
