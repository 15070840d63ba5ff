"""What the demo says of a run that has ended, without running one."""

from __future__ import annotations

from typing import Any

import pytest

from demo import summary
from demo.home import EXAMPLE


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
    assert summary.shortcomings(report(EXAMPLE), interrupt=True) == [
        "the training job was never interrupted"
    ]
    assert summary.shortcomings(report(EXAMPLE, count=1), interrupt=True) == []
    assert summary.shortcomings(report(EXAMPLE), interrupt=False) == []


@pytest.mark.parametrize(
    ("spot", "words"), [(True, "train.checkpoint_seconds"), (False, "not run on spot")]
)
def test_a_model_too_small_to_be_interrupted_gets_a_note(spot: bool, words: str) -> None:
    rents = report("rents", spot=spot)
    assert summary.shortcomings(rents, interrupt=True) == []
    [note] = summary.notes(rents, interrupt=True)
    assert words in note


def test_there_is_no_note_without_a_reason() -> None:
    assert summary.notes(report("rents", count=1), interrupt=True) == []
    assert summary.notes(report("rents"), interrupt=False) == []
    assert summary.notes(report("rents", state="failed"), interrupt=True) == []
