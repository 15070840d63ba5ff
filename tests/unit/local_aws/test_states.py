"""The histories that clients read."""

from __future__ import annotations

from itertools import pairwise

import pytest

from local_aws.execution.bill import bill
from local_aws.execution.states import COMPILATION, PROCESSING, TRAINING
from local_aws.store import Record


def test_a_training_history_has_no_gap_and_no_message_twice() -> None:
    record: Record = {}
    for status in ("Starting", "Training", "Interrupted", "Starting", "Training", "Completed"):
        TRAINING.move(record, status)
    history = record["SecondaryStatusTransitions"]
    assert len({entry["StatusMessage"] for entry in history}) == len(history)
    for before, after in pairwise(history):
        assert before["EndTime"] == after["StartTime"]
    assert record["TrainingJobStatus"] == record["SecondaryStatus"] == "Completed"
    assert "EndTime" in history[-1]


@pytest.mark.parametrize(
    ("secondary", "primary"),
    [
        ("Pending", "InProgress"),
        ("Interrupted", "InProgress"),
        ("Stopping", "Stopping"),
        ("MaxRuntimeExceeded", "Stopped"),
        ("MaxWaitTimeExceeded", "Stopped"),
        ("Failed", "Failed"),
    ],
)
def test_secondary_statuses_have_their_primary(secondary: str, primary: str) -> None:
    record: Record = {}
    TRAINING.move(record, secondary)
    assert record["TrainingJobStatus"] == primary
    assert TRAINING.done(record) is (primary in ("Stopped", "Failed"))


def test_kinds_spell_their_statuses_as_aws_does() -> None:
    assert COMPILATION.terminal == {"COMPLETED", "FAILED", "STOPPED"}
    assert PROCESSING.terminal == {"Completed", "Failed", "Stopped"}


@pytest.mark.parametrize(
    ("seconds", "spot", "trained", "billed"),
    [(0.2, False, 1, 1), (9.1, False, 10, 10), (9.1, True, 10, 3), (0.2, True, 1, 1)],
)
def test_bills(seconds: float, spot: bool, trained: int, billed: int) -> None:
    record = {"TrainingStartTime": 1.0, "EnableManagedSpotTraining": spot}
    found = bill(record, seconds, 0.3)
    assert (found["TrainingTimeInSeconds"], found["BillableTimeInSeconds"]) == (trained, billed)


def test_what_never_had_capacity_is_not_billed() -> None:
    assert bill({"EnableManagedSpotTraining": True}, 0.0, 0.3) == {}
