"""Processing jobs: inputs in, one container, outputs out."""

from __future__ import annotations

from typing import Any

from local_aws.execution.batch import BatchRun
from local_aws.execution.job import Job, Outcome
from local_aws.execution.layout import Layout
from local_aws.execution.process import Command, Process
from local_aws.execution.signals import Signal
from local_aws.execution.states import now
from local_aws.execution.training_files import resource_config
from local_aws.execution.transfer import Mirror, download, upload_directory


class ProcessingRun(BatchRun):
    """One processing job.

    EndOfJob outputs are uploaded when the process succeeded, Continuous ones while it runs and in
    any case at its end (what AWS uploads of a failed job's EndOfJob outputs is unverified).
    """

    log_group = "/aws/sagemaker/ProcessingJobs"
    started_at, ended_at = "ProcessingStartTime", "ProcessingEndTime"
    working = "InProgress"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.stream = f"{job.name}/algo-1-{int(now() * 1000)}"
        self._continuous: list[Mirror] = []

    def prepare(self, layout: Layout) -> Command:
        record, job = self.record, self.job
        image = job.app.images.find(record["AppSpecification"]["ImageUri"])
        for item in record.get("ProcessingInputs", []):
            source = item["S3Input"]
            target = layout.local(source["LocalPath"])
            kind, uri = source["S3DataType"], source["S3Uri"]
            download(job.app.objects, uri, kind, target, job.region, record["RoleArn"])
        for output in self._outputs():
            directory = layout.local(output["LocalPath"])
            directory.mkdir(parents=True, exist_ok=True)
            if output["S3UploadMode"] == "Continuous":
                mirror = Mirror(job.app.objects, directory, output["S3Uri"])
                self._continuous.append(mirror)
        cluster = record["ProcessingResources"]["ClusterConfig"]
        layout.write_config("resourceconfig", resource_config(cluster["InstanceType"]), "config")
        layout.write_config("processingjobconfig", _job_config(record), "config")
        application = record["AppSpecification"]
        entrypoint = application.get("ContainerEntrypoint")
        entrypoint = entrypoint or [str(image.python), str(image.program("process"))]
        environment = layout.environment(
            image, job.app.config.url, job.region, record.get("Environment", {})
        )
        argv = [*entrypoint, *application.get("ContainerArguments", [])]
        return layout.command(argv, environment)

    def _outputs(self) -> list[dict[str, str]]:
        outputs = self.record.get("ProcessingOutputConfig", {}).get("Outputs", [])
        return [output["S3Output"] for output in outputs]

    def sync(self, process: Process) -> None:
        busy = process.writing()
        for mirror in self._continuous:
            mirror.sync(busy)

    def conclude(self, layout: Layout, outcome: Outcome) -> tuple[str, dict[str, Any]]:
        for mirror in self._continuous:
            mirror.sync(frozenset())
        members: dict[str, Any] = {}
        if message := layout.read_output("message"):
            members["ExitMessage"] = message
        states = self.job.states
        if outcome.signal is Signal.STOP:
            return states.stopped, members
        if outcome.signal is Signal.TIMEOUT:
            reason = f"Job exceeded MaxRuntimeInSeconds ({self.max_runtime():.0f})"
            return states.stopped, members | {"FailureReason": reason}
        if outcome.code:
            reason = "AlgorithmError: See job logs for more information"
            return states.failed, members | {"FailureReason": reason}
        for output in self._outputs():
            if output["S3UploadMode"] == "EndOfJob":
                directory = layout.local(output["LocalPath"])
                upload_directory(self.job.app.objects, directory, output["S3Uri"])
        return states.completed, members


def _job_config(record: dict[str, Any]) -> dict[str, Any]:
    known = (
        "ProcessingJobArn ProcessingJobName AppSpecification Environment ProcessingInputs "
        "ProcessingOutputConfig ProcessingResources RoleArn StoppingCondition NetworkConfig"
    )
    return {member: record[member] for member in known.split() if member in record}
