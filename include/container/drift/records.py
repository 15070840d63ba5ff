"""Capture records as SageMaker writes them, read as a stream.

A record is a line of JSON: ``captureData.endpointInput`` and ``.endpointOutput``, each with
``observedContentType``, ``encoding`` (CSV, JSON or BASE64) and ``data``, and ``eventMetadata`` with
``eventId``, ``inferenceTime`` and maybe ``inferenceId``. A captured file of another name is the input of a
batch, CSV as it was sent.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BATCH_BYTES = 1 << 20


@dataclass(frozen=True)
class Body:
    """One side of an invocation: ``kind`` is "csv" or "json"."""

    kind: str
    text: str


@dataclass(frozen=True)
class Record:
    """One invocation. ``key`` is its inference id or, without one, its event id; either side is None where
    it was not captured. A line that is no record has a ``problem`` and nothing else."""

    key: str = ""
    at: str = ""
    asked: Body | None = None
    answered: Body | None = None
    problem: str = ""


def read(directory: Path) -> Iterator[Record]:
    """Every record below a directory, files in the order of their names."""
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        if path.suffix == ".jsonl":
            with path.open(encoding="utf-8", errors="replace") as lines:
                yield from (parse(line) for line in lines if line.strip())
        elif not path.name.startswith(("manifest", ".")):
            with path.open(encoding="utf-8", errors="replace") as lines:
                while part := lines.readlines(BATCH_BYTES):
                    yield Record(asked=Body("csv", "".join(part)))


def parse(line: str) -> Record:
    """One line of a capture file."""
    try:
        document = json.loads(line)
        meta, data = document["eventMetadata"], document["captureData"]
        return Record(
            key=str(meta.get("inferenceId") or meta["eventId"]),
            at=str(meta.get("inferenceTime", "")),
            asked=_body(data.get("endpointInput")),
            answered=_body(data.get("endpointOutput")),
        )
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        return Record(problem=f"{type(error).__name__}: {error}")


def _body(side: dict[str, Any] | None) -> Body | None:
    if side is None:
        return None
    text, encoding = side["data"], str(side["encoding"]).upper()
    plain = str(side.get("observedContentType", "")).partition(";")[0].strip().lower()
    if encoding == "BASE64":
        text = base64.b64decode(text).decode()
    if encoding == "JSON" or (encoding == "BASE64" and plain.endswith("json")):
        return Body("json", text)
    if encoding == "CSV" or plain.startswith("text/"):
        return Body("csv", text)
    raise ValueError(f"{encoding} of {plain or 'no content type'}; read are text/csv and JSON")
