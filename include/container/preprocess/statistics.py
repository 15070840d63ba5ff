"""Per-column statistics that are computed block by block and then merged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Moments:
    """Smallest and largest value, mean, and sum of squared distances from the mean.

    Booleans count as 0 and 1, dates in days and datetimes in microseconds since 1970-01-01. The
    mean is not finite when a value is not.
    """

    low: float
    high: float
    mean: float
    squares: float


@dataclass(frozen=True)
class Summary:
    """What is known of one column of some rows: how many have a value and how many have none, and
    the values' moments, unless they are text or there are none."""

    count: int
    nulls: int
    moments: Moments | None = None


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
    low, high = extremes["min"].as_py() + 0, extremes["max"].as_py() + 0
    return Summary(count, nulls, Moments(low, high, mean, spread * count))


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
    x, y = a.moments, b.moments
    if x is None or y is None:
        return Summary(count, nulls, x or y)
    delta = y.mean - x.mean
    return Summary(
        count,
        nulls,
        Moments(
            min(x.low, y.low),
            max(x.high, y.high),
            x.mean + delta * b.count / count,
            x.squares + y.squares + delta * delta * a.count * b.count / count,
        ),
    )


def statistics(summary: Summary, kind: Any) -> dict[str, Any]:
    """The manifest's entry for a column of Arrow type ``kind``.

    ``stddev`` is the sample's (divided by count - 1). Dates and datetimes have ISO 8601 ``min``
    and ``max`` and no moments; text has counts only.
    """
    low: Any = None
    high: Any = None
    mean = stddev = None
    if summary.moments is not None:
        convert = _reader(kind)
        low, high = convert(summary.moments.low), convert(summary.moments.high)
        if not pa.types.is_temporal(kind):
            mean = summary.moments.mean
            if summary.count > 1:
                stddev = math.sqrt(summary.moments.squares / (summary.count - 1))
    entry = {
        "count": summary.count,
        "nulls": summary.nulls,
        "min": low,
        "max": high,
        "mean": mean,
        "stddev": stddev,
    }
    return {name: _finite(value) for name, value in entry.items()}


def _reader(kind: Any) -> Callable[[float], Any]:
    """How a bound of a column of that type is written."""
    if pa.types.is_boolean(kind):
        return bool
    if pa.types.is_date32(kind):
        return lambda days: str(np.datetime64(int(days), "D"))
    if pa.types.is_timestamp(kind):
        return lambda microseconds: str(np.datetime64(int(microseconds), "us"))
    return lambda value: value


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
