"""Asks a live model the rows that were kept for it, and compares with what the model said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from frugal.aws import clients

ROWS = 5
MISSING = ("", "nan")

#: Rows of CSV in, one answer a row out.
Ask = Callable[[Sequence[str]], Sequence[str]]


class SmokeTestFailed(RuntimeError):
    """The model answers, but not what the evaluated one said."""


def smoke_test(
    name: str, ask: Ask, evaluation: str, tolerance: float, said: str | None = None
) -> list[dict[str, Any]]:
    """Ask `name` the first held-out rows below the URI `evaluation`.

    `said` is the URI of what is expected, a line a row; by default what the evaluated model said.

    Returns [{"features", "predicted", "expected", "actual"}]. Raises SmokeTestFailed when a prediction moved by
    more than `tolerance`, relative to what was expected.
    """
    kept = f"{evaluation}/parity"
    rows, expected, actual = (
        list(islice(clients.read_text(uri).splitlines(), ROWS))
        for uri in (f"{kept}/rows.csv", said or f"{kept}/predictions.csv", f"{kept}/labels.csv")
    )
    predictions = []
    for row, answer, wanted, label in zip(rows, ask(rows), expected, actual, strict=True):
        predicted, wanted_value = float(answer), float(wanted)
        if abs(predicted - wanted_value) > tolerance * max(abs(wanted_value), 1e-9):
            raise SmokeTestFailed(
                f"{name} answered {predicted:g} for a row on which the model said {wanted_value:g} "
                f"(tolerance {tolerance:g}): {row}"
            )
        features = [None if value in MISSING else float(value) for value in row.split(",")]
        predictions.append(
            {
                "features": features,
                "predicted": predicted,
                "expected": wanted_value,
                "actual": float(label),
            }
        )
    return predictions
