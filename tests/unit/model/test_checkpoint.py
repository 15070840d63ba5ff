"""Checkpoint files: durable, bounded, and only resumed by the training that wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from container.checkpoint import (
    SLOTS,
    Attempts,
    Checkpoint,
    Checkpoints,
    ForeignCheckpointError,
)

IDENTITY = {"framework": "torch 2", "hyperparameters": {"lr": 0.1, "layers": [1, 2]}}


def save(directory: Path, *steps: int) -> None:
    checkpoints = Checkpoints(directory, IDENTITY, interval=0)
    checkpoints.latest()
    for step in steps:
        checkpoints.save(Checkpoint(step, b"weights %d" % step, {"best": step / 2}))


def latest(directory: Path) -> Checkpoint | None:
    return Checkpoints(directory, IDENTITY, interval=0).latest()


def test_the_latest_comes_back(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    save(tmp_path, 1, 2, 3)
    assert latest(tmp_path) == Checkpoint(3, b"weights 3", {"best": 1.5})


def test_two_files_are_kept_over_any_number_of_attempts(tmp_path: Path) -> None:
    for step in range(1, 6):
        save(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(SLOTS)
    reopened = Checkpoints(tmp_path, IDENTITY, interval=0)
    assert reopened.latest() is not None
    assert reopened.written == 5


def newest(directory: Path) -> Path:
    """By what is in them: two may be written within one tick of the clock of files."""
    return max(directory.glob("*.checkpoint"), key=step_of)


def step_of(path: Path) -> int:
    header = path.read_bytes()[44:].decode("latin-1")
    step: int = json.JSONDecoder().raw_decode(header)[0]["step"]
    return step


def test_every_truncation_falls_back_to_the_one_before(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    path = newest(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert latest(tmp_path) == Checkpoint(1, b"weights 1", {"best": 0.5})
    path.write_bytes(whole)
    assert latest(tmp_path) == Checkpoint(2, b"weights 2", {"best": 1.0})


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    save(tmp_path, 1)
    path = tmp_path / SLOTS[0]
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x40]) + whole[position + 1 :])
        assert latest(tmp_path) is None


def test_the_intact_one_outlives_the_next_write_after_a_tear(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    torn = newest(tmp_path)
    torn.write_bytes(torn.read_bytes()[:30])
    save(tmp_path, 3)
    assert {path.name for path in tmp_path.iterdir()} == set(SLOTS)
    newest(tmp_path).write_bytes(b"")
    assert latest(tmp_path) == Checkpoint(1, b"weights 1", {"best": 0.5})


def test_leftovers_of_a_killed_write_are_no_checkpoint(tmp_path: Path) -> None:
    save(tmp_path, 4)
    (tmp_path / SLOTS[0]).rename(tmp_path / ".writing")
    assert latest(tmp_path) is None


def test_another_training_is_refused_with_every_difference(tmp_path: Path) -> None:
    save(tmp_path, 1)
    other = {
        "framework": "torch 2",
        "dataset": "d",
        "hyperparameters": {"lr": 0.2, "layers": [1, 2]},
    }
    with pytest.raises(ForeignCheckpointError) as caught:
        Checkpoints(tmp_path, other, interval=0).latest()
    text = str(caught.value)
    assert "dataset is None there, 'd' here; hyperparameters.lr is 0.1 there, 0.2 here" in text
    assert "layers" not in text


def test_due_follows_the_interval(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path, IDENTITY, interval=0).due
    patient = Checkpoints(tmp_path, IDENTITY, interval=3600)
    assert not patient.due


def test_attempts_add_up(tmp_path: Path) -> None:
    for start, reached in ((0, 25), (20, 47), (40, 40), (40, 60)):
        attempts = Attempts(tmp_path, start)
        attempts.reached(reached)
        attempts.close()
    assert attempts.summary() == {"resumed_at": [20, 40, 40], "repeated": 5 + 7}


def test_a_torn_attempts_line_is_written_over(tmp_path: Path) -> None:
    Attempts(tmp_path, 0).close()
    with (tmp_path / "attempts").open("ab") as file:
        file.write(b"         1")
    attempts = Attempts(tmp_path, 10)
    assert attempts.summary()["resumed_at"] == [10]
    attempts.close()
