"""Capture by a model's own handlers: what is written, what is hidden, and that no request suffers."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
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
        bodies = [body for key, body in self.items() if key.endswith(".jsonl")]
        return [json.loads(line) for body in bodies for line in body.splitlines()]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def of(bucket: Bucket, **environment: str) -> capture.Capture:
    """What captures in this environment; the settings of multi-model endpoints are in the bucket, too."""
    taken = capture.Capture.of({**TO, **environment}, bucket.put, lambda _, key: bucket.get(key))
    assert taken is not None
    return taken


def served(taken: capture.Capture, *bodies: str, content_type: str = CSV) -> None:
    """Requests, each answered with its length, and the end of the process."""
    for body in bodies:
        taken.asks(content_type, body)
        taken.answers(CSV, f"{len(body)}\n")
    taken.close()


def test_records_are_those_of_data_capture(bucket: Bucket, tmp_path: Path) -> None:
    served(of(bucket), "1,2\n", "3,4\n")
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
    taken = of(bucket, FRUGAL_CAPTURE_PERCENT="30")
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
    taken = of(bucket, FRUGAL_CAPTURE_PII=pii)
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
    taken = of(bucket, FRUGAL_CAPTURE_PII=pii)
    served(taken, body, content_type=content_type)
    assert bucket == {}
    assert taken.lost == 1


def test_no_request_fails_or_waits_when_s3_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "BUFFERED", 10)
    hold = threading.Event()

    def put(bucket: str, key: str, body: bytes) -> None:
        hold.wait()
        raise ConnectionError("S3 is away")

    environment = {**TO, "FRUGAL_CAPTURE_FLUSH_SECONDS": "0.001"}
    taken = capture.Capture.of(environment, put, lambda bucket, key: None)
    assert taken is not None
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
    taken = of(bucket)
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


class Context:
    """A model server's, with the headers of one request; `transform` holds it as AWS's toolkits do."""

    def __init__(self, **headers: str) -> None:
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.request_processor = [self]

    def get_request_properties(self) -> dict[str, str]:
        return self._headers

    @staticmethod
    def transform(context: Context, taken: capture.Capture) -> None:
        taken.asks(CSV, "1,2")
        taken.answers(CSV, "3\n")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"X_Amzn_SageMaker_Inference_Id": "a-1"}, "a-1"),
        ({"x_amzn_sagemaker_custom_attributes": "trace=7; inference-id=b-2"}, "b-2"),
        ({"x_amzn_sagemaker_custom_attributes": "trace=7"}, None),
    ],
)
def test_the_inference_id_is_kept(
    bucket: Bucket, headers: dict[str, str], expected: str | None
) -> None:
    taken = of(bucket)
    Context.transform(Context(**headers), taken)
    taken.close()
    (line,) = bucket.lines
    assert line["eventMetadata"].get("inferenceId") == expected


def test_no_request_fails_for_want_of_headers(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(Context):
        def get_request_properties(self) -> dict[str, str]:
            raise AttributeError("another server")

    taken = of(bucket)
    Context.transform(Odd(), taken)
    monkeypatch.setitem(sys.modules, "flask", SimpleNamespace())
    served(taken, "1,2")
    assert [line["eventMetadata"].get("inferenceId") for line in bucket.lines] == [None, None]


def test_headers_are_those_of_flasks_request(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"X-Amzn-SageMaker-Inference-Id": "c-3"}
    flask = SimpleNamespace(
        has_request_context=lambda: True, request=SimpleNamespace(headers=given)
    )
    monkeypatch.setitem(sys.modules, "flask", flask)
    taken = of(bucket)
    served(taken, "1,2")
    (line,) = bucket.lines
    assert line["eventMetadata"]["inferenceId"] == "c-3"


def test_each_model_of_many_has_its_own_place(bucket: Bucket) -> None:
    bucket["serving/shared/capture/churn.json"] = json.dumps(TO).encode()
    bucket["serving/shared/capture/quiet.json"] = b"{}"
    taken = of(bucket, FRUGAL_CAPTURE_MODELS="s3://data/serving/shared/capture")
    for target in ("churn/run-1.tar.gz", "quiet/run-1.tar.gz", "unknown/run-1.tar.gz"):
        Context.transform(Context(X_Amzn_SageMaker_Target_Model=target), taken)
    served(taken, "of nobody")
    (written,) = (key for key in bucket if key.endswith(".jsonl"))
    assert written.startswith("churn/capture/churn/main/20")
    assert bucket[written].count(b"\n") == 1


def test_settings_that_cannot_be_read_cost_no_other_model_its_capture(bucket: Bucket) -> None:
    bucket["capture/broken.json"] = b"no JSON"
    bucket["capture/churn.json"] = json.dumps(TO).encode()
    taken = of(bucket, FRUGAL_CAPTURE_MODELS="s3://data/capture")
    for target in ("broken/1.tar.gz", "churn/1.tar.gz"):
        Context.transform(Context(X_Amzn_SageMaker_Target_Model=target), taken)
    taken.close()
    assert sum(key.endswith(".jsonl") for key in bucket) == 1
