"""Waits in the triggerer until a job is over; stops it when a user ends the deferred task."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from frugal.aws import clients
from frugal.jobs.kinds import KINDS

JITTER = 0.2
UNFINISHED = (
    None,
    "scheduled",
    "queued",
    "running",
    "restarting",
    "deferred",
    "up_for_retry",
    "up_for_reschedule",
)


class JobTrigger(BaseTrigger):
    """Fires once with {"job", "status"} when the job's status will not change any more.

    It has no attempts of its own: the deferral's timeout, which Airflow keeps across restarts of the
    triggerer, is the deadline.
    """

    def __init__(self, kind: str, job: str, poll_seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kind, self.job, self.poll_seconds = kind, job, poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and constructor arguments."""
        arguments = {"kind": self.kind, "job": self.job, "poll_seconds": self.poll_seconds}
        return "frugal.jobs.trigger.JobTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll with jitter until the job is over; what interrupts one poll is tried again."""
        from botocore.exceptions import BotoCoreError, ClientError

        kind = KINDS[self.kind]
        hook = await asyncio.to_thread(clients.hook, "sagemaker")
        # The provider's coroutine loses what a cancel says, by which Airflow knows to call on_kill.
        connecting = asyncio.ensure_future(hook.get_async_conn())
        async with await asyncio.shield(connecting) as client:
            while True:
                try:
                    description = await getattr(client, kind.describe)(**{kind.name_key: self.job})
                    if kind.is_over(description):
                        status = description[kind.status_key]
                        yield TriggerEvent({"job": self.job, "status": status})
                        return
                except (BotoCoreError, ClientError, OSError) as error:
                    self.log.warning("Could not see %s, will look again: %s", self.job, error)
                await asyncio.sleep(
                    self.poll_seconds * (1 + JITTER * random.SystemRandom().random())
                )

    async def on_kill(self) -> None:
        """Stop the job when its task is over, or will start another one.

        Airflow 3.3 calls this for a trigger that merely moved to another triggerer, too: the task is then
        still deferred. A cleared task goes on with what keeps its name for life, like an endpoint.

        All of it is one thread, as Airflow 3.3 cancels what it cancelled again every second until that has
        returned: awaits inside on_kill end there, a thread does not.
        """
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        kind, states = KINDS[self.kind], self._states()
        waited_for = ("deferred",) if kind.one_per_attempt else UNFINISHED
        if any(state in waited_for for state in states):
            self.log.info("The task is %s: %s goes on", states[0], self.job)
            return
        stopped = kind.halt(clients.client("sagemaker"), self.job)
        self.log.info("%s %s", "Stopped" if stopped else "Nothing to stop in", self.job)

    def _states(self) -> list[str | None]:
        """State of the task instance in a list, which is empty when it, or its DAG run, was deleted."""
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        ti = self.task_instance
        if ti is None:
            return []
        states = RuntimeTaskInstance.get_task_states(
            dag_id=ti.dag_id,
            task_ids=[ti.task_id],
            run_ids=[ti.run_id],
            map_index=ti.map_index,
        )
        return list(states.get(ti.run_id, {}).values())  # the key of a mapped one has its index
