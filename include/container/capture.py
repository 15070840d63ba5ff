"""Data capture by the model's own handlers, where AWS has none or must not see whole requests.

``inference.py`` marks its handlers; without ``FRUGAL_CAPTURE_TO`` in the environment they stay as they are::

    @capture.request
    def input_fn(data, content_type): ...

    @capture.response
    def output_fn(prediction, accept): ...

A sample of the requests goes to ``<FRUGAL_CAPTURE_TO>/yyyy/mm/dd/hh/<minute and id>.jsonl``, in the form of
SageMaker's data capture. A request only puts what it has into a bounded buffer; one thread writes it. What
does not fit, or cannot be written, is lost and counted in the log: no request fails or waits for it.

================================ ========================================================================
variable                         holds
================================ ========================================================================
``FRUGAL_CAPTURE_TO``            S3 URI of the endpoint's variant
``FRUGAL_CAPTURE_PERCENT``       of requests; 100
``FRUGAL_CAPTURE_PII``           JSON: feature -> [its position in a row, "hash" or "drop"]
``FRUGAL_CAPTURE_FLUSH_SECONDS`` between two writes; 60
================================ ========================================================================

A hash lets equal values be told to be equal; few possible values can be guessed from it: drop those.
Inference ids do not reach handlers, so that each record has an id of its own and no ground truth finds it.
A serverless endpoint is frozen between requests: what its last minute held is written when it thaws, or lost.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import json
import logging
import os
import queue
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from container.pii import without

log = logging.getLogger(__name__)

BUFFERED = 10_000
A_FILE = 500
EXIT_SECONDS = 10.0


@dataclass(frozen=True)
class Exchange:
    """One request and its answer: (content type, body) of each, and when, in seconds since 1970."""

    asked: tuple[str, Any]
    answered: tuple[str, Any]
    at: float


class Capture:
    """A bounded buffer, and the thread that empties it through ``put(bucket, key, body)``."""

    def __init__(
        self, environment: Mapping[str, str], put: Callable[[str, str, bytes], None]
    ) -> None:
        bucket, _, prefix = environment["FRUGAL_CAPTURE_TO"].removeprefix("s3://").partition("/")
        self._bucket, self._prefix = bucket, prefix.strip("/")
        self._percent = float(environment.get("FRUGAL_CAPTURE_PERCENT", "100"))
        self._period = float(environment.get("FRUGAL_CAPTURE_FLUSH_SECONDS", "60"))
        self._pii: dict[str, tuple[int, str]] = json.loads(
            environment.get("FRUGAL_CAPTURE_PII", "{}")
        )
        self._put = put
        self._dice = random.SystemRandom()
        self._buffer: queue.Queue[Exchange | None] = queue.Queue(BUFFERED)
        self._asked = threading.local()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.lost = 0

    def asks(self, content_type: str, body: Any) -> None:
        """This thread's request."""
        self._asked.given = (content_type, body)

    def answers(self, content_type: str, body: Any) -> None:
        """The answer to this thread's request."""
        asked = self._asked.__dict__.pop("given", None)
        if asked is None or self._dice.uniform(0, 100) >= self._percent:
            return
        try:
            self._buffer.put_nowait(Exchange(asked, (content_type, body), time.time()))
        except queue.Full:
            self.lost += 1
        if self._thread is None:
            self._start()

    def close(self) -> None:
        """Write what is buffered, for some seconds at most."""
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._buffer.put(None, timeout=EXIT_SECONDS)
            self._thread.join(EXIT_SECONDS)

    def _start(self) -> None:
        """In the process that serves: threads do not survive the fork of a server's workers."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def _run(self) -> None:
        going = True
        while going:
            exchanges: list[Exchange] = []
            until = time.monotonic() + self._period
            while going and len(exchanges) < A_FILE and (left := until - time.monotonic()) > 0:
                try:
                    found = self._buffer.get(timeout=left)
                except queue.Empty:
                    break
                going = found is not None
                if found is not None:
                    exchanges.append(found)
            try:
                self._write(exchanges)
            except Exception:
                self.lost += len(exchanges)
                log.exception("Capture lost %d requests so far", self.lost)

    def _write(self, exchanges: list[Exchange]) -> None:
        """One object for each hour in which there was a request."""
        files: dict[str, list[str]] = {}
        for exchange in exchanges:
            line = self._line(exchange)
            if line is None:
                self.lost += 1
            else:
                hour = datetime.fromtimestamp(exchange.at, timezone.utc).strftime("%Y/%m/%d/%H")
                files.setdefault(hour, []).append(line)
        for hour, lines in files.items():
            name = f"{datetime.now(timezone.utc):%M-%S}-{uuid.uuid4()}.jsonl"
            key = "/".join(part for part in (self._prefix, hour, name) if part)
            self._put(self._bucket, key, "".join(f"{line}\n" for line in lines).encode())

    def _line(self, exchange: Exchange) -> str | None:
        """A record; None when PII could not be told apart in the request."""
        content_type, body = exchange.asked
        if self._pii:
            body = without(body, content_type, self._pii)
            if body is None:
                return None
        at = datetime.fromtimestamp(exchange.at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        data = {
            "endpointInput": side("INPUT", content_type, body),
            "endpointOutput": side("OUTPUT", *exchange.answered),
        }
        meta = {"eventId": str(uuid.uuid4()), "inferenceTime": at}
        record = {"captureData": data, "eventMetadata": meta, "eventVersion": "0"}
        return json.dumps(record, separators=(",", ":"))


def side(mode: str, content_type: str, body: Any) -> dict[str, str]:
    """One side of a record."""
    plain = content_type.partition(";")[0].strip().lower()
    encoding = {"text/csv": "CSV", "application/json": "JSON"}.get(plain, "BASE64")
    content = body.encode() if isinstance(body, str) else bytes(body)
    text = base64.b64encode(content) if encoding == "BASE64" else content
    return {
        "observedContentType": content_type,
        "mode": mode,
        "data": text.decode(errors="replace"),
        "encoding": encoding,
    }


def _to_s3(bucket: str, key: str, body: bytes) -> None:
    _s3().put_object(Bucket=bucket, Key=key, Body=body)


@functools.cache
def _s3() -> Any:
    import boto3
    from botocore.config import Config

    retries = Config(retries={"mode": "standard", "total_max_attempts": 8})
    return boto3.client("s3", region_name=os.environ.get("SAGEMAKER_REGION"), config=retries)


_capture = Capture(os.environ, _to_s3) if os.environ.get("FRUGAL_CAPTURE_TO") else None


def request(input_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark the handler that takes ``(body, content type)``."""
    capture = _capture
    if capture is None:
        return input_fn

    @functools.wraps(input_fn)
    def marked(data: Any, content_type: str, *others: Any) -> Any:
        capture.asks(content_type, data)
        return input_fn(data, content_type, *others)

    return marked


def response(output_fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark the handler that returns the answer: ``(body, content type)``, or a body of the type that was asked for."""
    capture = _capture
    if capture is None:
        return output_fn

    @functools.wraps(output_fn)
    def marked(prediction: Any, accept: str, *others: Any) -> Any:
        answer = output_fn(prediction, accept, *others)
        body, content_type = answer if isinstance(answer, tuple) else (answer, accept)
        if isinstance(body, (str, bytes)):
            capture.answers(content_type, body)
        return answer

    return marked
