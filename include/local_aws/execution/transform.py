"""Transform jobs: a model's container, every object of the input through it, `.out` objects out."""

from __future__ import annotations

import gzip
import json
import logging
import threading
import uuid
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any

from local_aws.backing.objects import StoredObject
from local_aws.execution.batch import BatchRun
from local_aws.execution.batch_client import BatchClient, Unanswered, variables
from local_aws.execution.connections import HeldPort
from local_aws.execution.job import Job, LogStream, Outcome
from local_aws.execution.layout import Layout
from local_aws.execution.model_data import fetch_model
from local_aws.execution.process import Command
from local_aws.execution.records import BadRecord, Processing, assemble, batches, split
from local_aws.execution.signals import Signal
from local_aws.execution.transfer import (
    UploadError,
    find,
    manifest_objects,
    relative_key,
    split_uri,
)

log = logging.getLogger(__name__)

DEFAULTS: dict[str, Any] = {
    "MaxConcurrentTransforms": 1,
    "MaxPayloadInMB": 6,
    "BatchStrategy": "MultiRecord",
}
TIMEOUT, RETRIES = 600, 3

#: FailureReasons as users report them (unverified).
ALGORITHM_ERROR = "AlgorithmError: See job logs for more information"
CLIENT_ERROR = "ClientError: See job logs for more information"


@dataclass(frozen=True)
class Source:
    """One input object and what it is called below the input's prefix."""

    stored: StoredObject
    name: str


class TransformRun(BatchRun):
    """One transform job.

    Objects that succeed are stored whatever becomes of the others; one that fails fails the job at
    its end, as the API reference says of TransformOutput.
    """

    log_group = "/aws/sagemaker/TransformJobs"
    started_at, ended_at = "TransformStartTime", "TransformEndTime"
    working = "InProgress"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.stream = f"{job.name}/i-{uuid.uuid4().hex[:17]}-{uuid.uuid4().hex}"
        self._port: HeldPort
        self._sources: list[Source] = []
        self._ended = threading.Event()
        self._reason: str | None = None
        self._complete = False

    def prepare(self, layout: Layout) -> Command:
        record, app, region = self.record, self.job.app, self.job.region
        model: dict[str, Any] = record["_model"]
        container = model["PrimaryContainer"]
        image = app.images.find(container["Image"])
        role = model.get("ExecutionRoleArn", "")
        fetch_model(app.objects, container, layout.base / "model", region, role)
        self._sources = self._find_sources(role)
        self._port = HeldPort()
        settings = {
            "OMP_NUM_THREADS": "1",
            **container.get("Environment", {}),
            **record.get("Environment", {}),
            **variables(record),
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_BIND_TO_PORT": str(self._port.number),
        }
        environment = layout.environment(image, app.config.url, region, settings)
        return layout.command([str(image.python), str(image.program("serve"))], environment)

    def _find_sources(self, role: str) -> list[Source]:
        source = self.record["TransformInput"]["DataSource"]["S3DataSource"]
        objects, uri = self.job.app.objects, source["S3Uri"]
        if source["S3DataType"] == "ManifestFile":
            return [Source(found, name) for name, found in manifest_objects(objects, uri)]
        prefix = split_uri(uri)[1]
        found = find(objects, uri, self.job.region, role)
        return [Source(s, relative_key(prefix, s.key)) for s in found if not s.key.endswith("/")]

    def _execute(self, layout: Layout, command: Command) -> tuple[str, dict[str, Any]]:
        job = self.job
        logs = LogStream(job.app, job.region, self.log_group, self.stream, None)
        worker = threading.Thread(target=self._work, name=f"transform/{job.name}", daemon=True)
        worker.start()
        try:
            outcome = job.run(command, logs, inf)
        finally:
            self._ended.set()
        worker.join()
        return self.conclude(layout, outcome)

    def conclude(self, layout: Layout, outcome: Outcome) -> tuple[str, dict[str, Any]]:
        states = self.job.states
        if outcome.signal is Signal.STOP:
            return states.stopped, {}
        if outcome.signal is not Signal.DONE and not self._complete:
            message = layout.read_output("failure")
            reason = f"AlgorithmError: {message}" if message else self._reason or ALGORITHM_ERROR
            return states.failed, {"FailureReason": reason}
        if self._reason:
            return states.failed, {"FailureReason": self._reason}
        return states.completed, {}

    def _work(self) -> None:
        """Transform everything, then end the container."""
        try:
            self._transform()
            self._complete = not self._ended.is_set()
        except Unanswered as error:
            self._note(str(error))
            self._reason = ALGORITHM_ERROR
        except UploadError as error:
            self._reason = f"ClientError: {error}"
        except Exception as error:
            log.exception("transform job %s", self.job.name)
            self._reason = f"InternalServerError: {error}"
        self.job.signal(Signal.DONE)

    def _transform(self) -> None:
        limits = self.record.get("ModelClientConfig", {})
        client = BatchClient(
            self._port.number,
            limits.get("InvocationsTimeoutInSeconds", TIMEOUT),
            limits.get("InvocationsMaxRetries", RETRIES),
            self._ended.is_set,
        )
        client.wait()
        self._port.release()
        given = {name: self.record[name] for name in DEFAULTS if self.record.get(name)}
        given |= {"MaxPayloadInMB": 0} if self.record.get("MaxPayloadInMB") == 0 else {}
        settings = (
            DEFAULTS | {k: v for k, v in client.parameters().items() if k in DEFAULTS} | given
        )
        self._note(", ".join(f"{name}={value}" for name, value in settings.items()))
        capture = self.record.get("DataCaptureConfig", {})
        started = _time(self._started()) if capture.get("GenerateInferenceId") else None
        processing = Processing.of(self.record, started)
        stored: list[Source] = []
        with ThreadPoolExecutor(settings["MaxConcurrentTransforms"]) as pool:
            for source in self._sources:
                if self._ended.is_set() or self.job.stopped():
                    return
                if self._transform_one(source, client, processing, settings, pool):
                    stored.append(source)
        if capture and stored:
            self._capture(capture["DestinationS3Uri"], stored)

    def _started(self) -> float:
        return float(self.job.record[self.started_at])

    def _transform_one(
        self,
        source: Source,
        client: BatchClient,
        processing: Processing,
        settings: dict[str, Any],
        pool: ThreadPoolExecutor,
    ) -> bool:
        """Store the output of one object; whether that went well."""
        asked, wanted = self.record["TransformInput"], self.record["TransformOutput"]
        headers = {"Content-Type": asked["ContentType"]} if "ContentType" in asked else {}
        headers |= {"Accept": wanted["Accept"]} if "Accept" in wanted else {}

        def send(batch: list[bytes]) -> list[bytes]:
            if self._ended.is_set():
                raise Unanswered("The container ended")
            return processing.results(batch, client.send(processing.request(batch), headers))

        try:
            content = source.stored.path.read_bytes()
            if asked.get("CompressionType") == "Gzip":
                content = gzip.decompress(content)
            records = split(content, asked.get("SplitType", "None"))
            strategy, limit = settings["BatchStrategy"], settings["MaxPayloadInMB"]
            answers = list(pool.map(send, batches(records, strategy, limit)))
        except (BadRecord, Unanswered, gzip.BadGzipFile, EOFError, zlib.error) as error:
            self._note(f"{source.stored.key}: {error}")
            failed = isinstance(error, Unanswered) and (error.status is None or error.status >= 500)
            self._reason = ALGORITHM_ERROR if failed else CLIENT_ERROR
            return False
        results = [result for answer in answers for result in answer]
        self._store(f"{source.name}.out", assemble(results, wanted.get("AssembleWith", "None")))
        return True

    def _store(self, name: str, content: bytes) -> None:
        uri = self.record["TransformOutput"]["S3OutputPath"]
        self._put(f"{uri.rstrip('/')}/{name}", content)

    def _put(self, uri: str, content: bytes) -> None:
        bucket, key = split_uri(uri)
        try:
            self.job.app.objects.put_bytes(bucket, key, content)
        except KeyError as error:
            raise UploadError(
                f"Data upload failed: NoSuchBucket: The bucket {bucket} of {uri} does not exist"
            ) from error

    def _capture(self, destination: str, stored: list[Source]) -> None:
        """Manifests of what was read and written, by the hour at which the job started, as the
        Developer Guide shows them; their own names are unverified."""
        bucket, _ = split_uri(self.record["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
        output = self.record["TransformOutput"]["S3OutputPath"].rstrip("/")
        manifests = {
            "input": [{"prefix": f"s3://{bucket}/"}, *(s.stored.key for s in stored)],
            "output": [{"prefix": f"{output}/"}, *(f"{s.name}.out" for s in stored)],
        }
        hour = datetime.fromtimestamp(self._started(), UTC).strftime("%Y/%m/%d/%H")
        for side, manifest in manifests.items():
            uri = f"{destination.rstrip('/')}/{side}/{hour}/{uuid.uuid4()}.json"
            self._put(uri, json.dumps(manifest).encode())

    def _note(self, text: str) -> None:
        """A line of SageMaker's own in the job's data log."""
        line = f"{_time(datetime.now(UTC).timestamp())}:[sagemaker logs]: {text}"
        stream = f"{self.stream}/data-log"
        app, region = self.job.app, self.job.region
        app.telemetry.log(region, self.log_group, stream, line.splitlines())


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
