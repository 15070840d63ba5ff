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
``FRUGAL_CAPTURE_MODELS``        on a multi-model endpoint instead of these: S3 URI below which
                                 ``<model>.json`` holds them for each model, or nothing
``FRUGAL_CAPTURE_FLUSH_SECONDS`` between two writes; 60
================================ ========================================================================

A hash lets equal values be told to be equal; few possible values can be guessed from it: drop those.

A record has the request's inference id: its header ``X-Amzn-SageMaker-Inference-Id`` or, as AWS documents only of the
other that it reaches a container, ``inference-id=<id>`` among its custom attributes. A multi-model endpoint's header
``X-Amzn-SageMaker-Target-Model``, ``<model>/<version>.tar.gz``, tells which model is asked ("Custom Containers Contract
for Multi-Model Endpoints"). Without that header the request is lost, as is what nobody asked to capture.

A serverless endpoint is frozen between requests: what its last minute held is written when it thaws, or lost.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
import os
import queue
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from container import headers
from container.exchange import ByModel, Exchange, Get, Settings, record

log = logging.getLogger(__name__)

BUFFERED = 10_000
A_FILE = 500
EXIT_SECONDS = 20.0
"""Of the 30 that SageMaker leaves a container after SIGTERM ("Custom Inference Code with Hosting Services")."""

Put = Callable[[str, str, bytes], None]


class Capture:
    """A bounded buffer, and the thread that empties it through ``put(bucket, key, body)``.

    ``settings`` are those of the model that was asked; None: it is not captured. ``prepare`` is called with the first
    request, so that the last ones do not wait for it.
    """

    def __init__(
        self,
        settings: Callable[[str], Settings | None],
        put: Put,
        period: float = 60.0,
        prepare: Callable[[], object] = lambda: None,
    ) -> None:
        self._settings, self._put, self._period = settings, put, period
        self._prepare = prepare
        self._dice = random.SystemRandom()
        self._buffer: queue.Queue[Exchange | None] = queue.Queue(BUFFERED)
        self._asked = threading.local()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.lost = 0

    @classmethod
    def of(
        cls,
        environment: Mapping[str, str],
        put: Put,
        get: Get,
        prepare: Callable[[], object] = lambda: None,
    ) -> Capture | None:
        """As the environment says; None when it says nothing."""
        period = float(environment.get("FRUGAL_CAPTURE_FLUSH_SECONDS", "60"))
        if models := environment.get("FRUGAL_CAPTURE_MODELS"):
            return cls(ByModel(models, get), put, period, prepare)
        settings = Settings.of(environment)
        return cls(lambda model: settings, put, period, prepare) if settings else None

    def asks(self, content_type: str, body: Any) -> None:
        """This thread's request."""
        self._asked.given = (content_type, body, headers.of_this_request())

    def answers(self, content_type: str, body: Any) -> None:
        """The answer to this thread's request."""
        asked = self._asked.__dict__.pop("given", None)
        if asked is None:
            return
        *request, given = asked
        answer, thrown = (content_type, body), self._dice.uniform(0, 100)
        try:
            self._buffer.put_nowait(Exchange(tuple(request), answer, given, time.time(), thrown))
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
        with contextlib.suppress(Exception):
            self._prepare()
        going = True
        while going:
            exchanges: list[tuple[Exchange, Settings]] = []
            until = time.monotonic() + self._period
            while going and len(exchanges) < A_FILE and (left := until - time.monotonic()) > 0:
                try:
                    found = self._buffer.get(timeout=left)
                except queue.Empty:
                    break
                going = found is not None
                settings = self._settings(found.model) if found else None
                if found and settings and found.thrown < settings.percent:
                    exchanges.append((found, settings))
            try:
                self._write(exchanges)
            except Exception:
                self.lost += len(exchanges)
                log.exception("Capture lost %d requests so far", self.lost)

    def _write(self, exchanges: list[tuple[Exchange, Settings]]) -> None:
        """One object for each hour in which there was a request of a model."""
        files: dict[tuple[str, str], list[str]] = {}
        for exchange, settings in exchanges:
            line = record(exchange, settings)
            if line is None:
                self.lost += 1
                continue
            hour = datetime.fromtimestamp(exchange.at, timezone.utc).strftime("%Y/%m/%d/%H")
            folder = "/".join(part for part in (settings.prefix, hour) if part)
            files.setdefault((settings.bucket, folder), []).append(line)
        for (bucket, folder), lines in files.items():
            name = f"{datetime.now(timezone.utc):%M-%S}-{uuid.uuid4()}.jsonl"
            self._put(bucket, f"{folder}/{name}", "".join(f"{line}\n" for line in lines).encode())


def _to_s3(bucket: str, key: str, body: bytes) -> None:
    _s3().put_object(Bucket=bucket, Key=key, Body=body)


def _from_s3(bucket: str, key: str) -> bytes | None:
    try:
        body: bytes = _s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except _s3().exceptions.NoSuchKey:
        return None
    return body


@functools.cache
def _s3() -> Any:
    import boto3
    from botocore.config import Config

    retries = Config(retries={"mode": "standard", "total_max_attempts": 8})
    return boto3.client("s3", region_name=os.environ.get("SAGEMAKER_REGION"), config=retries)


_capture = Capture.of(os.environ, _to_s3, _from_s3, _s3)


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
