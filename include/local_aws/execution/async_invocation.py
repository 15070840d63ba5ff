"""One asynchronous invocation: its input from S3, its answer or failure into S3, and who is told."""

from __future__ import annotations

import base64
import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_aws.execution.async_report import notification
from local_aws.execution.instances import NoInstances
from local_aws.execution.model_server import InvocationTimeout
from local_aws.execution.transfer import split_uri
from local_aws.execution.variant import Invocation
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App
    from local_aws.execution.deployment import Deployment

log = logging.getLogger(__name__)

REQUEST = "async-invocation"


class Failed(Exception):
    """An asynchronous invocation failed; the message is its failureReason."""


@dataclass(frozen=True)
class AsyncInvocation:
    """A request of a queue, under the endpoint's AsyncInferenceConfig."""

    app: App
    region: str
    config: dict[str, Any]
    request: Record

    def process(self, deployment: Deployment | None) -> None:
        """Answer it, well or badly, for good. Raises `NoInstances` when it is to be tried again."""
        request = self.request
        waited = time.time() - request["_received"]
        try:
            self._succeed(*self._invoke(deployment))
        except NoInstances:
            raise
        except Failed as error:
            self._fail(str(error))
        except Exception:
            log.exception("%s of %s", request["InferenceId"], request["EndpointName"])
            self._fail("InternalServerError: We encountered an internal error.")
        total = time.time() - request["_received"]
        self._measure({"InvocationsProcessed": 1.0}, "Count")
        self._measure({"TimeInBacklog": waited * 1e6}, "Microseconds")
        self._measure({"TotalProcessingTime": total * 1e3}, "Milliseconds")

    def expire(self) -> None:
        """Fail it because it waited for longer than it may."""
        self._measure({"ExpiredRequests": 1.0}, "Count")
        self._fail("ClientError: The request was in the queue for longer than RequestTTLSeconds")

    def _invoke(self, deployment: Deployment | None) -> tuple[str, bytes]:
        """Content type and body of the container's answer. Raises `Failed` or `NoInstances`."""
        request, body = self.request, self._input()
        if deployment is None:
            raise NoInstances
        variant = deployment.choose(None)
        request["_variant"] = variant.name
        try:
            answer = variant.invoke(Invocation(body, request["_headers"], request["_timeout"]))
        except InvocationTimeout as error:
            raise Failed("ClientError: The invocation exceeded InvocationTimeoutSeconds") from error
        except NoInstances:
            raise
        except OSError as error:
            raise Failed(f"InternalServerError: The container is not available: {error}") from error
        errors = {
            "Invocation4XXErrors": float(400 <= answer.status < 500),
            "Invocation5XXErrors": float(answer.status >= 500),
        }
        self._measure(errors, "None")
        self._measure({"ModelLatency": answer.latency * 1e6}, "Microseconds")
        if not 200 <= answer.status < 300:
            kind = "Client" if answer.status < 500 else "Server"
            raise Failed(
                f"{kind}Error: Received {kind.lower()} error ({answer.status}) from the model with "
                f'message "{answer.body.decode(errors="replace")[:500]}". See CloudWatch logs for '
                "more information."
            )
        content_type = answer.headers.get("Content-Type", "application/octet-stream")
        return content_type, answer.body

    def _input(self) -> bytes:
        if "_body" in self.request:
            return base64.b64decode(self.request["_body"])
        started, uri = time.monotonic(), self.request["InputLocation"]
        stored = self.app.objects.head(*split_uri(uri))
        if stored is None:
            self._measure({"RequestDownloadFailures": 1.0}, "Count")
            raise Failed(f"ClientError: There is no object {uri} to download the input from")
        content = stored.path.read_bytes()
        took = (time.monotonic() - started) * 1e6
        self._measure({"RequestDownloadLatency": took}, "Microseconds")
        return content

    def _succeed(self, content_type: str, body: bytes) -> None:
        where = self.request["OutputLocation"]
        if not self._upload(where, body):
            raise Failed(f"ClientError: The output could not be uploaded to {where}")
        self._settle("SuccessTopic", (content_type, body))

    def _fail(self, reason: str) -> None:
        self._measure({"InvocationFailures": 1.0}, "Count")
        if where := self.request.get("FailureLocation"):
            self._upload(where, reason.encode())
        self._settle("ErrorTopic", ("text/plain", reason.encode()), reason)

    def _upload(self, uri: str, content: bytes) -> bool:
        started, (bucket, key) = time.monotonic(), split_uri(uri)
        if not self.app.objects.exists(bucket):
            self._measure({"ResponseUploadFailures": 1.0}, "Count")
            return False
        self.app.objects.put_bytes(bucket, key, content)
        took = (time.monotonic() - started) * 1e6
        self._measure({"ResponseUploadLatency": took}, "Microseconds")
        return True

    def _settle(self, kind: str, response: tuple[str, bytes], failure: str = "") -> None:
        """Notify whoever is to know, and forget the request."""
        self.app.store.delete(REQUEST, self.region, self.request["_id"])
        notify = self.config["OutputConfig"].get("NotificationConfig", {})
        if kind not in notify:
            return
        message = notification(self.region, self.request, notify, response, failure)
        subject = "Amazon SageMaker Asynchronous Inference"
        try:
            self.app.telemetry.notify(self.region, notify[kind], subject, json.dumps(message))
        except Exception:
            log.exception("%s could not be notified", notify[kind])
            self._measure({"NotificationFailures": 1.0}, "Count")

    def _measure(self, values: dict[str, float], unit: str) -> None:
        names = {"EndpointName": "EndpointName", "VariantName": "_variant"}
        dimensions = {name: self.request[member] for name, member in names.items()}
        self.app.meter.put(self.region, dimensions, values, unit)
