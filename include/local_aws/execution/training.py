"""Training jobs: the states, clocks and reclaims of managed (spot) training around one process."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from local_aws.execution import warm_pools
from local_aws.execution.bill import bill
from local_aws.execution.images import ImageUnavailable
from local_aws.execution.job import Job, LogStream, MetricReader, Outcome
from local_aws.execution.layout import Layout
from local_aws.execution.process import Process
from local_aws.execution.shortage import CAPACITY_ERROR, ON_DEMAND_PATIENCE, capacity_came
from local_aws.execution.signals import Signal
from local_aws.execution.states import now
from local_aws.execution.training_files import (
    download_channels,
    restore_checkpoints,
    upload_model,
    upload_output,
)
from local_aws.execution.transfer import DownloadError, UploadError
from local_aws.store import Record

log = logging.getLogger(__name__)

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"
CHECKPOINT_PERIOD = 10.0
DEFAULT_MAX_RUNTIME = 86400


@dataclass
class TrainingRun:
    """One training job from its start, or its resumption, to a terminal state."""

    job: Job
    resumed: bool = False
    held: float = 0.0
    expires: str = "MaxRuntimeExceeded"
    metrics: MetricReader = field(init=False)
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        record = self.job.record
        self.request: dict[str, Any] = record
        self.held = record.get("_seconds", 0.0)
        definitions = record["AlgorithmSpecification"].get("MetricDefinitions", [])
        self.job.history.update(record.get("_history", {}))
        self.metrics = MetricReader(definitions, self._publish_metric, self.job.history)
        self.metrics.final = {k: tuple(v) for k, v in record.get("_metrics", {}).items()}

    def _publish_metric(self, name: str, value: float) -> None:
        dimensions = {"TrainingJobName": self.job.name}
        put = self.job.app.cloudwatch.put
        put(self.job.region, METRIC_NAMESPACE, name, dimensions, value)

    def __call__(self) -> None:
        try:
            if self.resumed and self._was("Training"):
                self.job.enter("Interrupted")
            while self._attempt():
                pass
        except UploadError as error:
            self._finish("Failed", f"ClientError: {error}")
        except Exception as error:
            log.exception("Training job %s", self.job.name)
            self._finish("Failed", f"InternalServerError: {error}")

    def _wait_expired(self) -> bool:
        limit = self.request["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return limit is not None and now() - self.request["CreationTime"] >= limit

    def _attempt(self) -> bool:
        """One stretch on capacity; whether another has to follow."""
        give_up = lambda: self.job.stopped() or self._wait_expired()  # noqa: E731
        patience = inf if self.request["EnableManagedSpotTraining"] else self._patience()
        if not capacity_came(self.job, self._pend, give_up, patience):
            self._finish_without_capacity()
            return False
        with self.job.app.capacity.slot(self.job.woken, give_up, self._pend) as held:
            if not held:
                self._finish_without_capacity()
                return False
            started = time.monotonic()
            outcome = self._execute()
            self.held += time.monotonic() - started
            if outcome is None:
                return False
            if outcome.signal is not Signal.INTERRUPT:
                self._conclude(outcome)
                return False
        self.job.update(_seconds=self.held, _metrics=self.metrics.final, _history=self.job.history)
        self.job.enter("Interrupted")
        self.job.pause(self.job.app.config.simulation.reclaim_seconds)
        return True

    def _patience(self) -> float:
        return self.job.app.config.simulation.wait(ON_DEMAND_PATIENCE)

    def _pend(self) -> None:
        if self.job.record["SecondaryStatus"] != "Pending":
            self.job.enter("Pending")

    def _finish_without_capacity(self) -> None:
        if self.job.stopped():
            self._finish("Stopped")
        elif self._wait_expired():
            self._finish("MaxWaitTimeExceeded")
        else:
            self._finish("Failed", CAPACITY_ERROR)

    def _execute(self) -> Outcome | None:
        """Download, run, sync; None when the job failed before its process started."""
        warm_pools.claim(self.job.app, self.job.region, self.job.name)
        record = self.job.record
        if self.job.record["SecondaryStatus"] != "Starting":
            self.job.enter("Restarting" if self._was("Training") else "Starting")
        try:
            image = self.job.app.images.find(record["AlgorithmSpecification"]["TrainingImage"])
            self.layout = Layout(self.job.app.job_directory(self.job))
            started = {"TrainingStartTime": record.get("TrainingStartTime", now())}
            self.job.enter("Downloading", **started)
            download_channels(self.job.app.objects, record, self.job.region, self.layout)
            argv = self._argv(image.python, record, image.programs.get("train"))
            environment = self.layout.environment(
                image, self.job.app.config.url, self.job.region, self._variables(record)
            )
            command = self.layout.command(argv, environment)
        except (DownloadError, ImageUnavailable, FileNotFoundError) as error:
            prefix = "Data download failed: " if isinstance(error, DownloadError) else ""
            self._finish("Failed", f"ClientError: {prefix}{error}")
            return None
        if self.job.stopped():
            self._finish("Stopped")
            return None
        checkpoints = restore_checkpoints(
            self.job.app.objects, record, self.job.region, self.layout
        )
        began = time.monotonic()

        def sync(process: Process) -> None:
            self.job.update(_seconds=self.held + time.monotonic() - began)
            if checkpoints:
                checkpoints.sync(process.writing())

        stream = f"{self.job.name}/algo-1-{int(now() * 1000)}"
        logs = LogStream(self.job.app, self.job.region, LOG_GROUP, stream, self.metrics.read)
        self.job.enter("Training")
        period = self.job.app.config.simulation.wait(CHECKPOINT_PERIOD)
        outcome = self.job.run(command, logs, self._deadline(record), sync, period)
        if checkpoints:
            checkpoints.sync(frozenset())
        return outcome

    def _deadline(self, record: Record) -> float:
        """Monotonic time at which MaxRuntimeInSeconds or MaxWaitTimeInSeconds is over, whichever
        is first; `expires` becomes the status that this is."""
        limits = record["StoppingCondition"]
        left: float = limits.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME) - self.held
        self.expires = "MaxRuntimeExceeded"
        if "MaxWaitTimeInSeconds" in limits:
            wait = limits["MaxWaitTimeInSeconds"] - (now() - record["CreationTime"])
            if wait < left:
                left, self.expires = wait, "MaxWaitTimeExceeded"
        return time.monotonic() + left

    def _was(self, secondary: str) -> bool:
        history = self.job.record["SecondaryStatusTransitions"]
        return any(entry["Status"] == secondary for entry in history)

    def _variables(self, record: Record) -> dict[str, str]:
        own = {"TRAINING_JOB_NAME": self.job.name, "TRAINING_JOB_ARN": record["TrainingJobArn"]}
        return {**own, **record.get("Environment", {})}

    def _argv(self, python: Path, record: Record, program: Path | None) -> list[str]:
        algorithm = record["AlgorithmSpecification"]
        arguments = algorithm.get("ContainerArguments", [])
        if "ContainerEntrypoint" in algorithm:
            return [*algorithm["ContainerEntrypoint"], *arguments]
        if program is None:
            raise ImageUnavailable(f"{algorithm['TrainingImage']} has no program to train")
        return [str(python), str(program), *(arguments or ["train"])]

    def _conclude(self, outcome: Outcome) -> None:
        secondary, reason = self._verdict(outcome)
        members: dict[str, Any] = {}
        if secondary != "Failed":
            self.job.enter("Uploading")
            uri = upload_model(self.job.app.objects, self.request, self.layout)
            members["ModelArtifacts"] = {"S3ModelArtifacts": uri}
        upload_output(self.job.app.objects, self.request, self.layout)
        self._finish(secondary, reason, **members)

    def _verdict(self, outcome: Outcome) -> tuple[str, str | None]:
        if outcome.signal is Signal.STOP:
            return "Stopped", None
        if outcome.signal is Signal.TIMEOUT:
            return self.expires, None
        if outcome.code == 0:
            return "Completed", None
        text = self.layout.read_output("failure", 900) or "AlgorithmError: "
        if not text.startswith(("AlgorithmError", "ClientError")):
            text = f"AlgorithmError: {text}"
        return "Failed", f"{text}, exit code: {outcome.code}"

    def _finish(self, secondary: str, reason: str | None = None, **members: Any) -> None:
        simulation = self.job.app.config.simulation
        members |= bill(self.job.record, self.held, simulation.spot_ratio)
        members["_history"] = self.job.history
        members |= warm_pools.retained(self.job.record, secondary, reason)
        if reason:
            members["FailureReason"] = reason[:1024]
        if self.metrics.final:
            members["FinalMetricDataList"] = [
                {"MetricName": name, "Value": value, "Timestamp": at}
                for name, (value, at) in self.metrics.final.items()
            ]
        self.job.enter(secondary, **members)
        warm_pools.watch(self.job.app, self.job.region, self.job.name)
        if hasattr(self, "layout"):
            self.layout.remove()
