"""The smoke test: what counts as the evaluated model's answer, whatever the number of outputs."""

from __future__ import annotations

from typing import Any

import pytest

from frugal.aws import clients
from frugal.aws.invoke import SmokeTestFailed, smoke_test

TOLERANCE = 1e-4


def ask_once(monkeypatch: pytest.MonkeyPatch, expected: str, *answers: str) -> list[dict[str, Any]]:
    """What the smoke test of one held-out row returns."""
    kept = {"rows.csv": "1,nan\n", "predictions.csv": f"{expected}\n", "labels.csv": "2\n"}
    monkeypatch.setattr(clients, "read_text", lambda uri: kept[uri.rpartition("/")[2]])
    return smoke_test("m", lambda rows: answers, "s3://b/m/evaluation", TOLERANCE)


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        ("200000", "200010\n"),
        ("1e-07", "2e-06\n"),  # as the parity gate: a probability near 0 is not held to its digits
        ("0.1,0.2,0.7", "0.10001,0.2,0.69999\n"),
    ],
)
def test_the_evaluated_models_answer_passes(
    monkeypatch: pytest.MonkeyPatch, expected: str, answer: str
) -> None:
    (row,) = ask_once(monkeypatch, expected, answer)
    assert row["features"] == [1.0, None]
    assert row["actual"] == 2.0
    several = "," in answer
    values = [float(value) for value in answer.split(",")]
    assert row["predicted"] == (values if several else values[0])


@pytest.mark.parametrize(
    ("expected", "answers"),
    [
        ("200000", ["200030"]),
        ("0.5", ["0.6"]),
        ("0.5", ["nan"]),
        ("0.5", ["<html>"]),
        ("0.5", [""]),
        ("0.5", []),
        ("0.5", ["0.5", "0.5"]),
        ("0.1,0.2,0.7", ["2"]),
        ("0.1,0.2,0.7", ["0.1,0.3,0.6"]),
    ],
)
def test_any_other_answer_fails(
    monkeypatch: pytest.MonkeyPatch, expected: str, answers: list[str]
) -> None:
    with pytest.raises(SmokeTestFailed, match=r"^m (answered|gave) "):
        ask_once(monkeypatch, expected, *answers)
