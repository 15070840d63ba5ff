"""Durations as people write them: `90s`, `15m`, `2h`, `1d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

LONGEST = timedelta(days=3650)  # so that sums of some, and dates with them, can be computed
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: Any) -> timedelta:
    """A duration of a second to ten years from text such as `15m`.

    Raises ValueError for anything else; a bare number is refused because its unit is unclear.
    """
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+)\s*([smhd])", value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError("a duration is a whole number with a unit: 90s, 15m, 2h or 1d")
    try:
        duration = timedelta(**{UNITS[match[2]]: int(match[1])})
    except OverflowError:
        duration = timedelta.max
    if duration > LONGEST:
        raise ValueError(f"a duration is {LONGEST.days}d at most")
    return duration


MAX_RUN = timedelta(days=28)  # MaxRuntimeInSeconds of a training job, botocore's model

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(lambda value: f"{int(value.total_seconds())}s", return_type=str),
]
