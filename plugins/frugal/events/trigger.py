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
#: With messages that nobody takes (a paused DAG) there is a second event after so many seconds, a third after twice as
#: many, and so on, up to the most.
AGAIN_SECONDS, AGAIN_AT_MOST = 120.0, 3600.0


class QueueTrigger(BaseEventTrigger):
    """Fires {"queue", "messages"} when messages wait in the queue of that name, which need not exist yet.

    Airflow's own SQS trigger deletes a message before anything came of it, so that a crash in between loses it. SQS
    does not tell whether a message is the one of the last look: what comes in another's place between two looks is told
    of `again_seconds` later.
    """

    def __init__(
        self, queue: str, poll_seconds: float = POLL_SECONDS, again_seconds: float = AGAIN_SECONDS
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.queue, self.poll_seconds, self.again_seconds = queue, poll_seconds, again_seconds
        self._there = True

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and constructor arguments."""
        names = ("queue", "poll_seconds", "again_seconds")
        return "frugal.events.trigger.QueueTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look for ever; what interrupts one look is tried again."""
        loop = asyncio.get_running_loop()
        pause, again = self.again_seconds, 0.0
        while True:
            waiting = await asyncio.to_thread(self._waiting)
            if not waiting:
                pause, again = self.again_seconds, 0.0
            elif loop.time() >= again:
                yield TriggerEvent({"queue": self.queue, "messages": waiting})
                again, pause = loop.time() + pause, min(2 * pause, AGAIN_AT_MOST)
            await asyncio.sleep(self.poll_seconds)

    def _waiting(self) -> int:
        try:
            waiting = queue.waiting(self.queue)
        except Exception as error:
            self.log.warning("Could not see %s, will look again: %s", self.queue, error)
            if is_expired(error):
                clients.forget()
            return 0
        if waiting is None and self._there:
            self.log.warning(
                "There is no queue %s: without it, Airflow looks by itself", self.queue
            )
        self._there = waiting is not None
        return waiting or 0
