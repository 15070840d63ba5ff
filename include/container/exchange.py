"""One request with its answer, what is to be kept of it, and its record in the form of SageMaker's data capture."""

from __future__ import annotations

import base64
import functools
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from container.pii import without

log = logging.getLogger(__name__)

KNOWN_SECONDS = 300.0
"""How long a model's settings on a multi-model endpoint are believed."""

INFERENCE_ID, TARGET_MODEL = "x-amzn-sagemaker-inference-id", "x-amzn-sagemaker-target-model"
ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
ID_AMONG_ATTRIBUTES = re.compile(r"(?:^|[,;\s])inference-id=([^,;\s]+)")

Get = Callable[[str, str], "bytes | None"]


@dataclass(frozen=True)
class Settings:
    """Where to, how much of it, and without which columns."""

    bucket: str
    prefix: str
    percent: float
    pii: Mapping[str, tuple[int, str]]

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Settings | None:
        """What the variables say; None when nothing is to be captured."""
        if not given.get("FRUGAL_CAPTURE_TO"):
            return None
        bucket, _, prefix = given["FRUGAL_CAPTURE_TO"].removeprefix("s3://").partition("/")
        percent = float(given.get("FRUGAL_CAPTURE_PERCENT", "100"))
        pii = json.loads(given.get("FRUGAL_CAPTURE_PII", "{}"))
        return cls(bucket, prefix.strip("/"), percent, pii)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer: (content type, body) of each, its headers, when, in seconds since 1970, and by which
    throw of the dice, of 100, it is in the sample."""

    asked: tuple[str, Any]
    answered: tuple[str, Any]
    headers: Mapping[str, str]
    at: float
    thrown: float

    @property
    def model(self) -> str:
        """Which of a multi-model endpoint's models was asked."""
        return self.headers.get(TARGET_MODEL, "").strip("/").partition("/")[0]

    @property
    def inference_id(self) -> str | None:
        """The client's id of the request."""
        among = ID_AMONG_ATTRIBUTES.search(self.headers.get(ATTRIBUTES, ""))
        return self.headers.get(INFERENCE_ID) or (among[1] if among else None)


class ByModel:
    """The settings of each model of a multi-model endpoint, read with ``get(bucket, key)`` when they are needed."""

    def __init__(self, uri: str, get: Get) -> None:
        self._bucket, _, self._prefix = uri.removeprefix("s3://").partition("/")
        self._get = get
        self._known: dict[str, tuple[float, Settings | None]] = {}

    def __call__(self, model: str) -> Settings | None:
        """None for a model that is not captured, or of which that is not known."""
        if not model:
            _warn_of_no_header()
            return None
        until, settings = self._known.get(model, (0.0, None))
        if time.monotonic() < until:
            return settings
        try:
            body = self._get(self._bucket, f"{self._prefix.strip('/')}/{model}.json")
            settings = Settings.of(json.loads(body)) if body else None
        except Exception:
            log.exception("%s is not captured: its settings cannot be read", model)
            return None
        self._known[model] = (time.monotonic() + KNOWN_SECONDS, settings)
        return settings


@functools.cache
def _warn_of_no_header() -> None:
    log.warning("Requests without the header %s are not captured", TARGET_MODEL)


def record(exchange: Exchange, settings: Settings) -> str | None:
    """A record; None when PII could not be told apart in the request."""
    content_type, body = exchange.asked
    if settings.pii:
        body = without(body, content_type, settings.pii)
        if body is None:
            return None
    at = datetime.fromtimestamp(exchange.at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    data = {
        "endpointInput": side("INPUT", content_type, body),
        "endpointOutput": side("OUTPUT", *exchange.answered),
    }
    meta = {"eventId": str(uuid.uuid4()), "inferenceTime": at}
    if exchange.inference_id:
        meta["inferenceId"] = exchange.inference_id
    whole = {"captureData": data, "eventMetadata": meta, "eventVersion": "0"}
    return json.dumps(whole, separators=(",", ":"))


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
