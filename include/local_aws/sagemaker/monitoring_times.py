"""When a monitoring schedule is due, and what time it then looks at.

AWS's hours last as long as `--clock` says: schedules are due on a grid of them, which at a clock of 1
is AWS's own, whole hours of UTC.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from local_aws.errors import AwsError, validation

HOUR = 3600.0
NOW = "NOW"
# AWS starts an execution up to 20 minutes late (botocore, ScheduleConfig): captured data comes late too.
LATE = 300.0

_HOURLY = "cron(0 * ? * * *)"
_HOURS = re.compile(r"cron\(0 (\d{1,2})(?:/(\d{1,2}))? \? \* \* \*\)")
_OFFSET = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_LONGEST = 24 * HOUR


@dataclass(frozen=True)
class Times:
    """A schedule of AWS's seconds: due `first` seconds after midnight and `every` seconds from then on,
    or once; each time for what lies between `start` and `end`, seconds before or after."""

    first: float
    every: float | None
    start: float
    end: float

    @classmethod
    def read(cls, config: dict[str, str]) -> Times:
        """Of a ScheduleConfig. Raises `ValidationException` for what AWS does not support."""
        expression = config["ScheduleExpression"]
        offsets = [config.get(f"DataAnalysis{end}Time") for end in ("Start", "End")]
        if expression == NOW and None in offsets:
            raise validation("NOW needs DataAnalysisStartTime and DataAnalysisEndTime")
        first, every = _grid(expression)
        start = offset(offsets[0]) if offsets[0] else -(every or HOUR)
        end = offset(offsets[1]) if offsets[1] else 0.0
        if not 0 < end - start <= _LONGEST:
            raise validation(
                "DataAnalysisStartTime must precede DataAnalysisEndTime, by 24 hours at most"
            )
        return cls(first, every, start, end)

    def next(self, after: float, scale: float) -> float | None:
        """The first time after `after` at which it is due; None for a schedule that is due once."""
        if self.every is None:
            return None
        every, first = self.every * scale, self.first * scale
        return first + (math.floor((after - first) / every + 1e-9) + 1) * every

    def window(self, at: float, scale: float) -> tuple[float, float]:
        """What an execution that was due at `at` looks at, in seconds since 1970."""
        return at + self.start * scale, at + self.end * scale


def _grid(expression: str) -> tuple[float, float | None]:
    if expression == NOW:
        return 0.0, None
    if expression == _HOURLY:
        return 0.0, HOUR
    found = _HOURS.fullmatch(expression)
    if found is None or int(found[1]) > 23 or not 1 <= int(found[2] or 24) <= 24:
        raise wrong(expression)
    return int(found[1]) * HOUR, int(found[2] or 24) * HOUR


def wrong(expression: str) -> AwsError:
    return validation(
        f"Invalid ScheduleExpression {expression}: supported are {_HOURLY}, cron(0 [00-23] ? * * *), "
        "cron(0 [00-23]/[01-24] ? * * *) and NOW"
    )


def offset(text: str) -> float:
    """Seconds of an ISO 8601 duration of days, hours and minutes, such as -PT1H."""
    found = _OFFSET.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        raise validation(f"{text!r} is no ISO 8601 duration, such as -PT1H")
    days, hours, minutes = (int(part or 0) for part in found.groups()[1:])
    seconds = days * 86400.0 + hours * HOUR + minutes * 60.0
    return -seconds if found[1] else seconds
