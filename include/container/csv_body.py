"""Bodies of requests and answers as ``text/csv``: numbers alone, a line a row, without header."""

from __future__ import annotations

from typing import Any

import numpy as np


def rows_of(data: Any) -> Any:
    """``(rows, features)`` float32 of a body, text or UTF-8; an empty field or ``nan`` is missing, a blank line no row.

    Raises:
        ValueError: a field is not a number, or the rows are not of one length.
    """
    text = data if isinstance(data, str) else bytes(data).decode("utf-8")
    lines = [line.split(",") for line in text.splitlines() if line.strip()]
    return np.array([[field.strip() or "nan" for field in line] for line in lines], np.float32)


def text_of(predictions: Any) -> str:
    """The body for ``(rows,)`` or ``(rows, outputs)`` float32: nine digits give back the same number."""
    return "".join(
        ",".join(format(value, ".9g") for value in row) + "\n"
        for row in np.asarray(predictions).reshape(len(predictions), -1).tolist()
    )
