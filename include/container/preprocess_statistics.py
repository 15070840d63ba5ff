"""Per-column statistics that are computed block by block and then merged."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc



@dataclass(frozen=True)
class Summary:
    """What is known of one column of some rows.

    ``count`` rows have a value, ``nulls`` have none. For numbers, booleans (as 0 and 1), dates
    (days) and datetimes (microseconds) there are ``low``, ``high`` and ``mean``, and ``squares``,
    the sum of squared distances from the mean; they are None for text or without a value. ``mean``
    is not finite when a value is not.
    """

    count: int
    nulls: int
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    squares: float | None = None


def summarise(column: Any) -> Summary:
    """Summarise an Arrow array or chunked array."""
    nulls = column.null_count
    count = len(column) - nulls
    values = numbers(column) if count else None
    if values is None:
        return Summary(count, nulls)
    mean = pc.mean(values).as_py()
    spread = pc.variance(values).as_py()
    extremes = pc.min_max(values)
    return Summary(
        count,
        nulls,
        extremes["min"].as_py() + 0,
        extremes["max"].as_py() + 0,
        mean,
        spread * count,
    )


def numbers(column: Any) -> Any:
    """The column as Arrow numbers, or None if it is text."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8())
    if pa.types.is_date32(kind):
        return column.cast(pa.int32())
    if pa.types.is_timestamp(kind):
        return column.cast(pa.int64())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column
    return None


def merge(summaries: Iterable[Summary]) -> Summary:
    """The summary of all rows from those of its parts (Chan's update), in the given order."""
    total = Summary(0, 0)
    for part in summaries:
        total = _merge_two(total, part)
    return total


def _merge_two(a: Summary, b: Summary) -> Summary:
    count, nulls = a.count + b.count, a.nulls + b.nulls
    if a.mean is None or b.mean is None:
        known = b if a.mean is None else a
        return Summary(count, nulls, known.low, known.high, known.mean, known.squares)
    assert a.low is not None and a.high is not None and a.squares is not None
    assert b.low is not None and b.high is not None and b.squares is not None
    delta = b.mean - a.mean
    return Summary(
        count,
        nulls,
        min(a.low, b.low),
        max(a.high, b.high),
        a.mean + delta * b.count / count,
        a.squares + b.squares + delta * delta * a.count * b.count / count,
    )


def statistics(summary: Summary, kind: Any) -> dict[str, Any]:
    """The manifest's entry for a column of Arrow type ``kind``.

    ``stddev`` is the sample's (divided by count - 1). Dates and datetimes have ISO 8601 ``min``
    and ``max`` and no moments; text has counts only.
    """
    low: Any = summary.low
    high: Any = summary.high
    mean, stddev = summary.mean, None
    if summary.squares is not None and summary.count > 1:
        stddev = math.sqrt(summary.squares / (summary.count - 1))
    if pa.types.is_boolean(kind):
        low, high = (None if value is None else bool(value) for value in (low, high))
    elif pa.types.is_date32(kind):
        low, high = (_iso_date(value) for value in (low, high))
        mean = stddev = None
    elif pa.types.is_timestamp(kind):
        low, high = (_iso_datetime(value) for value in (low, high))
        mean = stddev = None
    entry = {
        "count": summary.count,
        "nulls": summary.nulls,
        "min": low,
        "max": high,
        "mean": mean,
        "stddev": stddev,
    }
    return {name: _finite(value) for name, value in entry.items()}


def _iso_date(days: float | None) -> str | None:
    return None if days is None else str(np.datetime64(int(days), "D"))


def _iso_datetime(microseconds: float | None) -> str | None:
    return None if microseconds is None else str(np.datetime64(int(microseconds), "us"))


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
