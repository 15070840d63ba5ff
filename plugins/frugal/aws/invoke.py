"""Asks a live model the rows that were kept for it, and compares with what the model said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from frugal.aws import clients

ROWS = 5
MISSING = ("", "nan")

#: Rows of CSV in, one answer a row out: its outputs, comma-separated.
Ask = Callable[[Sequence[str]], Sequence[str]]


class SmokeTestFailed(RuntimeError):
    """The model answers, but not what the evaluated one said."""


def smoke_test(
    name: str, ask: Ask, evaluation: str, tolerance: float, said: str | None = None
) -> list[dict[str, Any]]:
    """Ask `name` the first held-out rows below the URI `evaluation`.

    `said` is the URI of what is expected, a line a row; by default what the evaluated model said.

    Returns [{"features", "predicted", "expected", "actual"}]; what is predicted and expected is a number, or a list of
    them where the model has several outputs. Raises SmokeTestFailed when an output is missing, not a number, or moved
    by more than `tolerance`, which is relative to expected values beyond 1, as in the parity gate
    (container/measure.py).
    """
    kept = f"{evaluation}/parity"
    rows, expected, actual = (
        list(islice(clients.read_text(uri).splitlines(), ROWS))
        for uri in (f"{kept}/rows.csv", said or f"{kept}/predictions.csv", f"{kept}/labels.csv")
    )
    answers = ask(rows)
    if len(answers) != len(rows):
        raise SmokeTestFailed(f"{name} gave {len(answers)} answers to {len(rows)} rows")
    predictions = []
    for row, answer, wanted, label in zip(rows, answers, expected, actual, strict=True):
        if not _agree(answer, wanted, tolerance):
            raise SmokeTestFailed(
                f"{name} answered {answer.strip()!r} for a row on which the model said {wanted} "
                f"(tolerance {tolerance:g}): {row}"
            )
        features = [None if value in MISSING else float(value) for value in row.split(",")]
        predictions.append(
            {
                "features": features,
                "predicted": _value(answer),
                "expected": _value(wanted),
                "actual": float(label),
            }
        )
    return predictions


def _agree(answer: str, wanted: str, tolerance: float) -> bool:
    """Whether each output of one row is what was wanted; NaN never is."""
    try:
        found = _outputs(answer)
    except ValueError:
        return False
    expected = _outputs(wanted)
    return len(found) == len(expected) and all(
        abs(value - goal) <= tolerance * max(abs(goal), 1.0)
        for value, goal in zip(found, expected, strict=True)
    )


def _outputs(line: str) -> list[float]:
    return [float(value) for value in line.split(",")]


def _value(line: str) -> float | list[float]:
    """The output, or all of them where there are several."""
    outputs = _outputs(line)
    return outputs[0] if len(outputs) == 1 else outputs
