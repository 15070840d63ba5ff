"""Jobs that run one process once: processing and compilation."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from typing import Any

from local_aws.execution.images import ImageUnavailable
from local_aws.execution.job import Job, LogStream, Outcome
from local_aws.execution.layout import Layout
from local_aws.execution.process import Command, Process
from local_aws.execution.shortage import CAPACITY_ERROR, ON_DEMAND_PATIENCE, capacity_came
from local_aws.execution.states import now
from local_aws.execution.transfer import DownloadError, UploadError
from local_aws.store import Record

log = logging.getLogger(__name__)


class ClientError(Exception):
    """The job fails for something in its request, in AWS's words."""


class BatchRun(ABC):
    """One job from its start to a terminal state."""

    log_group: str
    stream: str
    started_at: str
    ended_at: str
    working: str

    def __init__(self, job: Job) -> None:
        self.job = job
        self.record: Record = job.record
        self.layout: Layout | None = None

    @abstractmethod
    def prepare(self, layout: Layout) -> Command:
        """Fill the layout and say what to run. Raises `ClientError`, `DownloadError`,
        `ImageUnavailable` or `FileNotFoundError`, each with the job's FailureReason."""

    @abstractmethod
    def conclude(self, layout: Layout, outcome: Outcome) -> tuple[str, dict[str, Any]]:
        """Upload what there is; the final status and the members that come with it."""

    def sync(self, process: Process) -> None:  # noqa: B027 - not every kind has something to do
        """Called every so often while the process runs."""

    def __call__(self) -> None:
        try:
            self._run()
        except Exception as error:
            log.exception("%s %s", self.job.states.kind, self.job.name)
            self._finish(self.job.states.failed, {"FailureReason": f"InternalServerError: {error}"})

    def _run(self) -> None:
        states = self.job.states
        patience = self.job.app.config.simulation.wait(ON_DEMAND_PATIENCE)
        if not capacity_came(self.job, lambda: None, self.job.stopped, patience):
            stopped = self.job.stopped()
            reason = {} if stopped else {"FailureReason": CAPACITY_ERROR}
            self._finish(states.stopped if stopped else states.failed, reason)
            return
        job = self.job
        with job.app.capacity.slot(job.woken, job.stopped, lambda: None) as held:
            if not held:
                self._finish(states.stopped, {})
                return
            self.job.enter(self.working, **{self.started_at: now()})
            try:
                self.layout = Layout(self.job.app.job_directory(self.job))
                command = self.prepare(self.layout)
            except (ClientError, DownloadError, ImageUnavailable, FileNotFoundError) as error:
                self._finish(states.failed, {"FailureReason": f"ClientError: {error}"})
                return
            try:
                self._finish(*self._execute(self.layout, command))
            except UploadError as error:
                self._finish(states.failed, {"FailureReason": f"ClientError: {error}"})

    def _execute(self, layout: Layout, command: Command) -> tuple[str, dict[str, Any]]:
        job = self.job
        logs = LogStream(job.app, job.region, self.log_group, self.stream, None)
        deadline = time.monotonic() + self.max_runtime()
        return self.conclude(layout, job.run(command, logs, deadline, self.sync))

    def max_runtime(self) -> float:
        """Seconds; one day unless the request says otherwise."""
        return float(self.record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400))

    def _finish(self, status: str, members: dict[str, Any]) -> None:
        if "FailureReason" in members:
            members["FailureReason"] = members["FailureReason"][:1024]
        self.job.enter(status, **members, **{self.ended_at: now()})
        if self.layout:
            self.layout.remove()
