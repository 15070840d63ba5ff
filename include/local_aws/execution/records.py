"""Batch transform's records: split, batched, filtered, joined, and assembled again. No I/O."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_aws.execution.json_path import BadPath, Path, parse

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
FORMATS = (CSV, JSON, JSON_LINES)

MEGABYTE = 1 << 20


class BadRecord(Exception):
    """Data that cannot be split, filtered or joined; the message is for the job's data log."""


def split(content: bytes, split_type: str) -> list[bytes]:
    """The records of an object: its lines without their ends, or all of it."""
    if split_type == "None":
        return [content]
    lines = content.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


def batches(records: list[bytes], strategy: str, limit_megabytes: int) -> Iterator[list[bytes]]:
    """Records grouped as they are sent; a limit of 0 is none. Raises `BadRecord` for one that is too
    large."""
    limit = limit_megabytes * MEGABYTE or float("inf")
    batch: list[bytes] = []
    size = 0
    for record in records:
        if len(record) > limit:
            raise BadRecord("Too much data for max payload size")
        longer = size + len(record) + (1 if batch else 0)
        if batch and (strategy == "SingleRecord" or longer > limit):
            yield batch
            batch, longer = [], len(record)
        batch.append(record)
        size = longer
    if batch:
        yield batch


@dataclass(frozen=True)
class Processing:
    """DataProcessing of a transform job, and the inference ids of its data capture.

    `started` is the job's start as data capture writes it, or None for no inference ids.
    """

    content_type: str
    input_filter: Path
    output_filter: Path
    join: bool
    started: str | None = None

    @classmethod
    def of(cls, request: dict[str, Any], started: str | None = None) -> Processing:
        """From CreateTransformJob. Raises `BadPath`."""
        asked = request.get("DataProcessing", {})
        return cls(
            request["TransformInput"].get("ContentType", ""),
            parse(asked.get("InputFilter", "$")),
            parse(asked.get("OutputFilter", "$")),
            asked.get("JoinSource") == "Input",
            started,
        )

    @property
    def reads_input(self) -> bool:
        return bool(self.input_filter.steps)

    @property
    def reads_output(self) -> bool:
        return self.join or bool(self.output_filter.steps) or self.started is not None

    def request(self, batch: list[bytes]) -> bytes:
        """The body that a batch is sent as. Raises `BadRecord`."""
        if self.reads_input:
            batch = [self._write(self._select(self.input_filter, record)) for record in batch]
        return b"\n".join(batch)

    def results(self, batch: list[bytes], answer: bytes) -> list[bytes]:
        """What is stored of the answer to a batch: the answer, or its records joined and filtered.

        Raises `BadRecord`.
        """
        if not self.reads_output:
            return [answer]
        whole = self.content_type == JSON and len(batch) == 1
        answers = [answer] if whole else split(answer, "Line")
        if len(answers) != len(batch):
            raise BadRecord(f"{len(batch)} records were sent, {len(answers)} came back")
        return [
            self._write(self._result(record, answered))
            for record, answered in zip(batch, answers, strict=True)
        ]

    def _result(self, record: bytes, answer: bytes) -> Any:
        value = self._read(answer)
        if self.join:
            value = self._joined(self._read(record), value)
        value = self._checked(self.output_filter, value)
        if self.started is None:
            return value
        mark = str(uuid.uuid4())
        if self.content_type == CSV:
            return [*_row(value), mark, self.started]
        members = value if isinstance(value, dict) else {"SageMakerOutput": value}
        return members | {"SageMakerInferenceId": mark, "SageMakerInferenceTime": self.started}

    def _joined(self, record: Any, answer: Any) -> Any:
        if self.content_type == CSV:
            return [*record, *answer]
        if isinstance(record, dict):
            return record | {"SageMakerOutput": answer}
        return {"SageMakerInput": record, "SageMakerOutput": answer}

    def _select(self, path: Path, record: bytes) -> Any:
        return self._checked(path, self._read(record))

    def _checked(self, path: Path, value: Any) -> Any:
        try:
            return path.select(value)
        except BadPath as error:
            raise BadRecord(str(error)) from error

    def _read(self, record: bytes) -> Any:
        try:
            text = record.decode()
            if self.content_type == CSV:
                return next(csv.reader([text.rstrip("\r\n")]), [])
            return json.loads(text)
        except (ValueError, csv.Error) as error:
            raise BadRecord(f"not {self.content_type}: {error}") from error

    def _write(self, value: Any) -> bytes:
        if self.content_type != CSV:
            return json.dumps(value, separators=(",", ":")).encode()
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(_row(value))
        return line.getvalue().encode()


def _row(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def assemble(results: list[bytes], assemble_with: str) -> bytes:
    """One object of all results; with `Line` each ends with a newline."""
    if assemble_with == "None":
        return b"".join(results)
    return b"".join(r if r.endswith(b"\n") else r + b"\n" for r in results)
