"""Data capture: a sample of an endpoint's traffic as JSON lines in S3, in AWS's layout."""

from __future__ import annotations

import base64
import json
import random
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from local_aws import clock
from local_aws.backing.objects import ObjectStore
from local_aws.execution.transfer import split_uri

MAX_RECORDS = 500


class Capture:
    """Captured records of one deployment, written to
    `<destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/MM-SS-mmm-<id>.jsonl`.

    `period` is the seconds between writes; AWS's own is some minutes and not documented.
    """

    def __init__(
        self, objects: ObjectStore, endpoint: str, config: dict[str, Any], period: float
    ) -> None:
        self._objects, self._endpoint, self._config, self._period = (
            objects,
            endpoint,
            config,
            period,
        )
        self._modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        self._records: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def record(
        self,
        variant: str,
        asked: tuple[str, bytes],
        answered: tuple[str, bytes],
        inference_id: str | None,
        attributes: str | None,
    ) -> None:
        """Maybe keep one invocation: (content type, body) of what was asked and answered."""
        if random.uniform(0, 100) >= self._config["InitialSamplingPercentage"]:
            return
        data: dict[str, Any] = {}
        if self._modes & {"Input", "InputAndOutput"}:
            data["endpointInput"] = self._side("INPUT", *asked)
        if self._modes & {"Output", "InputAndOutput"}:
            data["endpointOutput"] = self._side("OUTPUT", *answered)
        at = _now().strftime("%Y-%m-%dT%H:%M:%SZ")
        meta: dict[str, Any] = {"eventId": str(uuid.uuid4()), "inferenceTime": at}
        meta |= {"inferenceId": inference_id} if inference_id else {}
        meta |= {"customAttributes": [attributes]} if attributes else {}
        line = {"captureData": data, "eventMetadata": meta, "eventVersion": "0"}
        with self._lock:
            lines = self._records.setdefault(variant, [])
            lines.append(json.dumps(line, separators=(",", ":")))
            full = len(lines) >= MAX_RECORDS
            if self._timer is None:
                self._timer = threading.Timer(self._period, self.flush)
                self._timer.daemon = True
                self._timer.start()
        if full:
            self.flush()

    def _side(self, mode: str, content_type: str, body: bytes) -> dict[str, str]:
        known = self._config.get("CaptureContentTypeHeader", {})
        plain = content_type.partition(";")[0].strip().lower()
        for encoding in ("Csv", "Json"):
            if plain in (t.lower() for t in known.get(f"{encoding}ContentTypes", [])):
                data, name = body.decode(errors="replace"), encoding.upper()
                break
        else:
            data, name = base64.b64encode(body).decode(), "BASE64"
        return {
            "observedContentType": content_type,
            "mode": mode,
            "data": data,
            "encoding": name,
        }

    def flush(self) -> None:
        """Write what is kept to S3."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            records, self._records, self._timer = self._records, {}, None
        bucket, prefix = split_uri(self._config["DestinationS3Uri"])
        for variant, lines in records.items():
            at = _now()
            name = f"{at:%M-%S}-{at.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            path = [prefix.strip("/"), self._endpoint, variant, f"{at:%Y/%m/%d/%H}", name]
            content = "".join(f"{line}\n" for line in lines).encode()
            if self._objects.exists(bucket):
                self._objects.put_bytes(bucket, "/".join(p for p in path if p), content)


def _now() -> datetime:
    return datetime.fromtimestamp(clock.now(), UTC)
