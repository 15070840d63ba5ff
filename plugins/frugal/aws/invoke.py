"""Asks a live endpoint the rows that were kept for it, and compares with what the model said."""

from __future__ import annotations

from typing import Any

from frugal.aws import clients

ROWS = 5
MISSING = ("", "nan")


class SmokeTestFailed(RuntimeError):
    """The endpoint answers, but not what the evaluated model said."""


def smoke_test(endpoint: str, evaluation: str, tolerance: float) -> list[dict[str, Any]]:
    """Invoke `endpoint` row by row over the first held-out rows below the URI `evaluation`.

    Returns [{"features", "predicted", "expected", "actual"}]. Raises SmokeTestFailed when a prediction moved by
    more than `tolerance`, relative to what was expected.
    """
    rows, expected, actual = (
        clients.read_text(f"{evaluation}/parity/{name}.csv").splitlines()[:ROWS]
        for name in ("rows", "predictions", "labels")
    )
    runtime = clients.client("sagemaker-runtime")
    predictions = []
    for row, wanted, label in zip(rows, expected, actual, strict=True):
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=row
        )
        predicted, wanted_value = float(answer["Body"].read()), float(wanted)
        if abs(predicted - wanted_value) > tolerance * max(abs(wanted_value), 1e-9):
            raise SmokeTestFailed(
                f"{endpoint} answered {predicted:g} for a row on which the model said {wanted_value:g} "
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
