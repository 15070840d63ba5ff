"""Capture by a model's own handlers: what is written, what is hidden, and that no request suffers."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from container import capture
from container.drift import records

TO = {"FRUGAL_CAPTURE_TO": "s3://data/churn/capture/churn/main"}
CSV = "text/csv"


class Bucket(dict[str, bytes]):
    """Keeps what is put."""

    def put(self, bucket: str, key: str, body: bytes) -> None:
        assert bucket == "data"
        self[key] = body

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for body in self.values() for line in body.splitlines()]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def served(taken: capture.Capture, *bodies: str, content_type: str = CSV) -> None:
    """Requests, each answered with its length, and the end of the process."""
    for body in bodies:
        taken.asks(content_type, body)
        taken.answers(CSV, f"{len(body)}\n")
    taken.close()


def test_records_are_those_of_data_capture(bucket: Bucket, tmp_path: Path) -> None:
    served(capture.Capture(TO, bucket.put), "1,2\n", "3,4\n")
    (key,) = bucket
    assert key.startswith("churn/capture/churn/main/20")
    assert len(key.removeprefix("churn/capture/churn/main/").split("/")) == 5
    assert key.endswith(".jsonl")
    assert [line["eventVersion"] for line in bucket.lines] == ["0", "0"]
    (tmp_path / "window.jsonl").write_bytes(bucket[key])
    first, second = records.read(tmp_path)
    assert first.asked == records.Body("csv", "1,2\n")
    assert second.answered == records.Body("csv", "4\n")
    assert first.key != second.key


def test_a_share_is_sampled(bucket: Bucket) -> None:
    taken = capture.Capture({**TO, "FRUGAL_CAPTURE_PERCENT": "30"}, bucket.put)
    served(taken, *(["1,2"] * 2000))
    assert 450 < len(bucket.lines) < 750
    assert taken.lost == 0


@pytest.mark.parametrize(
    ("content_type", "body", "kept"),
    [
        (CSV, "1,98101,x\n2,98102,y\n", "1,{98101},\n2,{98102},\n"),
        (
            "application/json",
            '{"instances": [[1, 98101, "x"]]}',
            '{"instances": [[1, "{98101}", ""]]}',
        ),
        (
            "application/json",
            '[{"zip": 98101, "name": "x", "area": 1}]',
            '{"instances": [{"zip": "{98101}", "name": "", "area": 1}]}',
        ),
    ],
)
def test_pii_is_hashed_or_dropped(bucket: Bucket, content_type: str, body: str, kept: str) -> None:
    pii = json.dumps({"zip": [1, "hash"], "name": [2, "drop"]})
    taken = capture.Capture({**TO, "FRUGAL_CAPTURE_PII": pii}, bucket.put)
    served(taken, body, content_type=content_type)
    for value in ("98101", "98102"):
        kept = kept.replace(f"{{{value}}}", hashlib.sha256(value.encode()).hexdigest()[:16])
    (line,) = bucket.lines
    assert line["captureData"]["endpointInput"]["data"] == kept


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(CSV, "1\n"), ("application/octet-stream", "1,2"), ("application/json", '{"rows": 1}')],
)
def test_what_may_hold_pii_anywhere_is_not_kept(
    bucket: Bucket, content_type: str, body: str
) -> None:
    pii = json.dumps({"zip": [1, "drop"]})
    taken = capture.Capture({**TO, "FRUGAL_CAPTURE_PII": pii}, bucket.put)
    served(taken, body, content_type=content_type)
    assert bucket == {}
    assert taken.lost == 1


def test_no_request_fails_or_waits_when_s3_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "BUFFERED", 10)
    hold = threading.Event()

    def put(bucket: str, key: str, body: bytes) -> None:
        hold.wait()
        raise ConnectionError("S3 is away")

    taken = capture.Capture({**TO, "FRUGAL_CAPTURE_FLUSH_SECONDS": "0.001"}, put)
    for _ in range(100):
        taken.asks(CSV, "1,2")
        taken.answers(CSV, "3")
    hold.set()
    taken.close()
    assert taken.lost == 100


def test_handlers_stay_as_they_are_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(data: Any, kind: str) -> Any:
        return data, kind

    assert capture.request(handler) is handler
    assert capture.response(handler) is handler


def test_marked_handlers_answer_as_before(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = capture.Capture(TO, bucket.put)
    monkeypatch.setattr(capture, "_capture", taken)

    @capture.request
    def input_fn(data: str, content_type: str) -> list[str]:
        return data.split(",")

    @capture.response
    def output_fn(prediction: list[str], accept: str) -> tuple[str, str]:
        return f"{len(prediction)}\n", CSV

    assert output_fn(input_fn("1,2,3", CSV), CSV) == ("3\n", CSV)
    taken.close()
    (line,) = bucket.lines
    assert line["captureData"]["endpointOutput"]["data"] == "3\n"
