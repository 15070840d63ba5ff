"""What the demo says of a run that has ended, without running one."""

from __future__ import annotations

import io
from typing import Any

import pytest

from demo import summary, words
from demo.failure import Failure
from demo.home import EXAMPLE, DemoError


def report(model: str, *, count: int = 0, spot: bool = True, state: str = "success") -> Any:
    """As much of a run's report as is judged."""
    train = {"name": "train", "state": state, "spot": spot, "note": None}
    return {
        "model": model,
        "state": state,
        "stages": [train],
        "interruptions": {"count": count},
        "compile": None,
    }


def test_the_example_model_must_have_been_interrupted() -> None:
    assert summary.shortcomings(report(EXAMPLE), [], interrupt=True) == [
        "the training job was never interrupted"
    ]
    assert summary.shortcomings(report(EXAMPLE, count=1), [], interrupt=True) == []
    assert summary.shortcomings(report(EXAMPLE), [], interrupt=False) == []


@pytest.mark.parametrize(
    ("spot", "words"), [(True, "train.checkpoint_seconds"), (False, "not run on spot")]
)
def test_a_model_too_small_to_be_interrupted_gets_a_note(spot: bool, words: str) -> None:
    rents = report("rents", spot=spot)
    assert summary.shortcomings(rents, [], interrupt=True) == []
    [note] = summary.notes(rents, interrupt=True)
    assert words in note


def test_there_is_no_note_without_a_reason() -> None:
    assert summary.notes(report("rents", count=1), interrupt=True) == []
    assert summary.notes(report("rents"), interrupt=False) == []
    assert summary.notes(report("rents", state="failed"), interrupt=True) == []


def event(text: str, level: str = "info", **more: Any) -> dict[str, Any]:
    """A line of a task's log as Airflow's API serves it."""
    return {"timestamp": "2026-01-01T00:00:00Z", "level": level, "event": text, **more}


def test_a_failed_task_is_told_by_its_reason_then_its_log_without_chatter() -> None:
    error = {
        "exc_type": "JobError",
        "exc_value": "rents-train-1 is Failed: AlgorithmError: no rows\nTraceback: ...",
        "frames": [
            {
                "filename": "/elsewhere/site-packages/botocore/client.py",
                "lineno": 1,
                "name": "call",
            },
            {"filename": "/elsewhere/operator.py", "lineno": 7, "name": "execute"},
        ],
    }
    failure = Failure(
        "train",
        2,
        [
            "::group::Log message source details",
            event("GitWildMatchPattern ('gitwildmatch') is deprecated", "warning"),
            event("Filling up the DagBag from dags/train.py"),
            event("Found credentials in environment variables."),
            event("Found endpoint for sagemaker via: environment_global."),
            event("rents-train-1: InProgress"),
            event("Task failed with exception", "error", error_detail=[error]),
            event("Finished"),
        ],
    )
    wrong = summary.shortcomings(report("rents", state="failed"), [failure], interrupt=True)
    assert wrong == ["train failed: rents-train-1 is Failed: AlgorithmError: no rows"]
    assert str(failure).splitlines() == [
        "--- the end of its log, attempt 2:",
        "2026-01-01T00:00:00Z info rents-train-1: InProgress",
        "2026-01-01T00:00:00Z error Task failed with exception",
        "  /elsewhere/operator.py:7 in execute",
        "JobError: rents-train-1 is Failed: AlgorithmError: no rows",
        "Traceback: ...",
        "2026-01-01T00:00:00Z info Finished",
    ]


def test_a_task_that_died_without_an_exception_still_has_a_reason() -> None:
    assert (
        Failure("train", 1, [event("Process was killed", "error")]).reason == "Process was killed"
    )
    assert Failure("train", 1, ["text", event("started")]).reason == "its log names no error"


class Runtime:
    """As much of the runtime's client, and of the local AWS, as a prediction needs."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def client(self, _: str) -> Runtime:
        return self

    def invoke_endpoint(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.answer.encode())}


@pytest.mark.parametrize(
    ("answer", "expected", "agrees"),
    [
        ("0.5\n", 0.5, True),
        ("0.5\n", 0.6, False),
        ("0.2,0.7,0.1\n", [0.2, 0.7, 0.1], True),
        ("0.2,0.1,0.7\n", [0.2, 0.7, 0.1], False),
        ("0.2,0.8\n", [0.2, 0.7, 0.1], False),
        ("0.2,0.8\n", None, True),
    ],
)
def test_a_prediction_is_a_number_or_one_a_class(answer: str, expected: Any, agrees: bool) -> None:
    row = {"features": [1.0, None], "expected": expected, "actual": 1.0}
    asked: Any = Runtime(answer)
    found = summary.predict(asked, {"model": "rents", "predictions": [row]})
    assert summary.agrees(found) is agrees
    said = answer.strip().replace(",", ", ")
    assert next(words.prediction_lines(found)) == f"rents says {said} for a held-out row"


def test_an_answer_that_is_no_number_is_told() -> None:
    asked: Any = Runtime("<html>")
    with pytest.raises(DemoError, match="rents gave no prediction"):
        summary.predict(asked, {"model": "rents", "predictions": [{"features": [1.0]}]})
