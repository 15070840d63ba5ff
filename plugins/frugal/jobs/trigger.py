"""Waits in the triggerer until a job is over; stops it when a user ends the deferred task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from frugal.aws import clients
from frugal.aws.retries import insist, is_expired, waits
from frugal.jobs.bills import Description
from frugal.jobs.kinds import KINDS

LONGEST_PAUSE = 120.0  # seconds between polls that fail
STOP_SECONDS = 1800.0
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
# Threads of our own, as AWS may keep them for minutes: asyncio's few belong to every trigger of Airflow. They share
# one client: 100 triggers took 0.6 s of CPU for their first two polls, and 6.8 s with an asynchronous client each.
# A stop must not queue behind polls.
_polls = ThreadPoolExecutor(16, thread_name_prefix="frugal-poll")
_stops = ThreadPoolExecutor(16, thread_name_prefix="frugal-stop")


class JobTrigger(BaseTrigger):
    """Fires once with {"job", "region", "status", "waited"} and what `note` holds: when the job's status will not
    change any more (None: it is gone), or when it `waited` for capacity longer than `patience` seconds.

    It has no attempts of its own: the deferral's timeout, which Airflow keeps across restarts of the
    triggerer, is the deadline.
    """

    def __init__(
        self,
        kind: str,
        job: str,
        poll_seconds: float,
        region: str | None = None,
        patience: float | None = None,
        note: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kind, self.job, self.poll_seconds = kind, job, poll_seconds
        self.region, self.patience, self.note = region, patience, note or {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and constructor arguments."""
        names = ("kind", "job", "poll_seconds", "region", "patience", "note")
        return "frugal.jobs.trigger.JobTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll with jitter until the job is over; what interrupts one poll is tried again, ever later."""
        loop, kind = asyncio.get_running_loop(), KINDS[self.kind]
        pauses = self._pauses()
        while True:
            try:
                found = await loop.run_in_executor(_polls, self._find)
            except Exception as error:
                self.log.warning("Could not see %s, will look again: %s", self.job, error)
                if is_expired(error):
                    clients.forget()
            else:
                goes_on = found is not None and not kind.is_over(found)
                if found is None or not goes_on or self._waited(found):
                    status = found[kind.status_key] if found else None
                    seen = {"job": self.job, "region": self.region, "status": status}
                    yield TriggerEvent({**seen, "waited": goes_on, **self.note})
                    return
                pauses = self._pauses()
            await asyncio.sleep(next(pauses))

    async def on_kill(self) -> None:
        """Stop the job when its task is over, or will start another one.

        Airflow 3.3 calls this for a trigger that merely moved to another triggerer, too: the task is then
        still deferred. A cleared task goes on with what keeps its name for life, like an endpoint.

        All of it is one thread, as Airflow 3.3 cancels what it cancelled again every second until that has
        returned: awaits inside on_kill end there, a thread that is shielded does not, started or queued.
        """
        of_task = copy_context()  # what the thread logs belongs to the task, too
        stop = asyncio.get_running_loop().run_in_executor(_stops, of_task.run, self._let_go)
        await asyncio.shield(stop)

    def _let_go(self) -> None:
        kind = KINDS[self.kind]
        states = insist(self._states, STOP_SECONDS, passes=lambda error: True)
        waited_for = ("deferred",) if kind.one_per_attempt else UNFINISHED
        if any(state in waited_for for state in states):
            self.log.info("The task is %s: %s goes on", states[0], self.job)
            return
        stopped = insist(self._halt, STOP_SECONDS)
        self.log.info("%s %s", "Stopped" if stopped else "Nothing to stop in", self.job)

    def _find(self) -> Description | None:
        return KINDS[self.kind].find(clients.client("sagemaker", self.region), self.job)

    def _halt(self) -> bool:
        return KINDS[self.kind].halt(clients.client("sagemaker", self.region), self.job)

    def _pauses(self) -> Iterator[float]:
        return waits(self.poll_seconds, max(self.poll_seconds, LONGEST_PAUSE))

    def _waited(self, found: Description) -> bool:
        if self.patience is None or not waits_for_capacity(found):
            return False
        patience_ends: datetime = found["CreationTime"] + timedelta(seconds=self.patience)
        return datetime.now(UTC) > patience_ends

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


def waits_for_capacity(found: Description) -> bool:
    """Whether a training job never had an instance: DescribeTrainingJob then has no TrainingStartTime."""
    return found.get("TrainingStartTime") is None
