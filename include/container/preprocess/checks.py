"""What a converted value may be: required, finite, within bounds, one of the allowed values.

A block's summary settles nearly every check at once; rows are looked at one by one only in a block
whose summary shows that something is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from container.preprocess.schema import Column, Schema
from container.preprocess.statistics import Moments, Summary, numbers

_VALUES_SHOWN = 10


def violations(table: Any, schema: Schema, summaries: dict[str, Summary]) -> dict[int, str]:
    """Rows of ``table`` that break a rule, each with its first reason in the columns' order."""
    found: dict[int, str] = {}
    for column in schema.columns:
        values = table.column(column.name).combine_chunks()
        for broken, reason in _checks(values, column, summaries[column.name], schema):
            for row in np.flatnonzero(broken.to_numpy(zero_copy_only=False)).tolist():
                found.setdefault(row, reason(values[row].as_py()))
    return found


def _checks(
    values: Any, column: Column, summary: Summary, schema: Schema
) -> Iterator[tuple[Any, Callable[[Any], str]]]:
    """Failed checks: which rows fail (boolean array), and the reason for a value."""
    name = column.name
    if summary.nulls and column.required:
        code = "missing_target" if name == schema.target else "missing_value"
        yield pc.is_null(values), lambda value: f"{code}: {name} has no value"
    if summary.moments is not None:
        yield from _bounds_checks(numbers(values), column, summary.moments)
    if column.values is not None and summary.count:
        broken = _not_allowed(values, column.values)
        allowed = ", ".join(column.values[:_VALUES_SHOWN]) + "..." * (
            len(column.values) > _VALUES_SHOWN
        )
        if pc.any(broken).as_py():
            yield (
                broken,
                lambda value: f"not_allowed: {name}: '{value}' is not one of {allowed}",
            )


def _bounds_checks(
    values: Any, column: Column, moments: Moments
) -> Iterator[tuple[Any, Callable[[Any], str]]]:
    name, low, high = column.name, column.minimum, column.maximum
    if not math.isfinite(moments.mean):
        yield (
            pc.fill_null(pc.invert(pc.is_finite(values)), False),
            lambda value: f"not_finite: {name}: {value}",
        )
    if low is not None and moments.low < low.value:
        yield (
            pc.fill_null(pc.less(values, low.value), False),
            lambda value: f"out_of_range: {name}: {value} is below {low.text}",
        )
    if high is not None and moments.high > high.value:
        yield (
            pc.fill_null(pc.greater(values, high.value), False),
            lambda value: f"out_of_range: {name}: {value} is above {high.text}",
        )


def _not_allowed(values: Any, allowed: tuple[str, ...]) -> Any:
    words = pa.array(allowed, pa.string())
    if pa.types.is_dictionary(values.type):
        wrong = pc.invert(pc.is_in(values.dictionary, words))
        return pc.fill_null(wrong.take(values.indices), False)
    return pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, words.cast(values.type))))
