"""Compilation jobs: Neo's API around the compiler of a locked environment."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from local_aws.execution.batch import BatchRun, ClientError
from local_aws.execution.job import Job, Outcome
from local_aws.execution.layout import Layout
from local_aws.execution.neo import inference_image, unsupported
from local_aws.execution.process import Command
from local_aws.execution.signals import Signal
from local_aws.execution.transfer import DownloadError, split_uri, unpack, upload_archive


class CompilationRun(BatchRun):
    """One compilation job: the archive in, the compiled archive out."""

    log_group = "/aws/sagemaker/CompilationJobs"
    started_at, ended_at = "CompilationStartTime", "CompilationEndTime"
    working = "INPROGRESS"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.stream = job.name

    def prepare(self, layout: Layout) -> Command:
        record, app = self.record, self.job.app
        source = record["InputConfig"]
        if problem := unsupported(source, record["OutputConfig"]):
            raise ClientError(problem)
        stored = app.objects.head(*split_uri(source["S3Uri"]))
        if stored is None:
            raise ClientError(
                f"InputConfiguration: Unable to download the model from {source['S3Uri']}: "
                "no such object"
            )
        image = app.images.find(inference_image(source["Framework"], self.job.region))
        try:
            unpack(stored.path, layout.base / "input" / "model")
        except DownloadError as error:
            raise ClientError(
                "InputConfiguration: Unable to untar input model. Please confirm the model is a "
                f"tar.gz file ({error})"
            ) from error
        (layout.base / "output" / "compiled").mkdir()
        config = {name: record[name] for name in ("InputConfig", "OutputConfig")}
        layout.write_config("compilation", config)
        environment = layout.environment(image, app.config.url, self.job.region, {})
        argv = [str(image.python), str(image.program("compile"))]
        return layout.command(argv, environment)

    def conclude(self, layout: Layout, outcome: Outcome) -> tuple[str, dict[str, Any]]:
        states = self.job.states
        if outcome.signal is Signal.STOP:
            return states.stopped, {}
        if outcome.signal is Signal.TIMEOUT:
            return states.failed, {
                "FailureReason": "ClientError: The compilation exceeded MaxRuntimeInSeconds"
            }
        if outcome.code:
            reason = layout.read_output("failure") or "InternalServerError: the compiler crashed"
            return states.failed, {"FailureReason": reason}
        uri = artefact_uri(self.record)
        compiled = layout.base / "output" / "compiled"
        upload_archive(self.job.app.objects, compiled, uri, layout.base / "tmp")
        image = inference_image(self.record["InputConfig"]["Framework"], self.job.region)
        return states.completed, {
            "ModelArtifacts": {"S3ModelArtifacts": uri},
            "InferenceImage": image,
        }


def artefact_uri(record: dict[str, Any]) -> str:
    """`<S3OutputLocation>/<input's name>-<target>.tar.gz`, as Neo names its results."""
    output = record["OutputConfig"]
    name = PurePosixPath(record["InputConfig"]["S3Uri"]).name.removesuffix(".tar.gz")
    platform = output.get("TargetPlatform", {})
    target = output.get("TargetDevice") or f"{platform.get('Os')}_{platform.get('Arch')}"
    return f"{output['S3OutputLocation'].rstrip('/')}/{name}-{target}.tar.gz"
