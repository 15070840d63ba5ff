"""Schedules of scheduled actions: at(...), rate(...), cron(...).

Application Auto Scaling User Guide, "Schedule recurring scaling actions using cron expressions". A
rate's interval is one of AWS's durations, shortened by the local clock; at and cron are times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local_aws.errors import AwsError, validation

_SHAPE = re.compile(r"(at|rate|cron)\((.+)\)")
_RATE = re.compile(r"([1-9]\d*) (minute|hour|day)s?")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
# No cron expression that ever fires has its next time further away.
_FURTHEST = timedelta(days=366 * 8)

# From a time in seconds since 1970 to the next time of the schedule after it; None when none is.
Next = Callable[[float], float | None]


def read(expression: str, timezone: str | None, start: float, scale: float) -> Next:
    """The times of a schedule. `start` is what a rate counts from.

    Raises `ValidationException` for an expression that is of none of the three forms.
    """
    found = _SHAPE.fullmatch(expression.strip())
    if found is None:
        raise _wrong(expression, "it is not at(...), rate(...) or cron(...)")
    zone = _zone(timezone)
    kind, inside = found.groups()
    if kind == "at":
        return _at(expression, inside, zone)
    if kind == "rate":
        return _rate(expression, inside, start, scale)
    return Cron(expression, inside, zone).next


def _wrong(expression: str, why: str) -> AwsError:
    return validation(f"Invalid schedule expression {expression}: {why}")


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise validation(f"{name} is not a time zone of the IANA") from error


def _at(expression: str, inside: str, zone: tzinfo) -> Next:
    try:
        moment = datetime.strptime(inside, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).timestamp()
    except ValueError as error:
        raise _wrong(expression, "at takes yyyy-mm-ddThh:mm:ss") from error
    return lambda after: moment if moment > after else None


def _rate(expression: str, inside: str, start: float, scale: float) -> Next:
    found = _RATE.fullmatch(inside)
    if found is None:
        raise _wrong(expression, "rate takes a positive number of minutes, hours or days")
    every = int(found[1]) * _SECONDS[found[2]] * scale
    return lambda after: start + (max(0.0, after - start) // every + 1) * every


class Cron:
    """cron(minutes hours day-of-month month day-of-week year), a wildcard being * or ?.

    Of AWS's special signs L, W and # are refused: the local AWS does not know them.
    """

    def __init__(self, expression: str, inside: str, zone: tzinfo) -> None:
        fields = inside.split()
        if len(fields) == 7:
            fields = fields[1:]
        if len(fields) != 6:
            raise _wrong(expression, "cron takes six fields")
        self._expression = expression
        self._zone = zone
        self._minutes = self._field(fields[0], 0, 59)
        self._hours = self._field(fields[1], 0, 23)
        self._days = self._field(fields[2], 1, 31)
        self._months = self._field(fields[3], 1, 12, _MONTHS)
        self._weekdays = self._field(fields[4], 1, 7, _DAYS)
        self._years = self._field(fields[5], 1970, 2199)

    def _field(self, text: str, least: int, most: int, names: list[str] | None = None) -> set[int]:
        values: set[int] = set()
        for part in text.upper().split(","):
            span, _, every = part.partition("/")
            first, _, last = span.partition("-")
            try:
                if span in ("*", "?"):
                    low, high = least, most
                else:
                    low = self._number(first, least, names)
                    high = self._number(last, least, names) if last else most if every else low
                step = int(every) if every else 1
                if not (least <= low <= high <= most and step > 0):
                    raise ValueError
            except ValueError as error:
                raise _wrong(self._expression, f"{part} is not from {least} to {most}") from error
            values.update(range(low, high + 1, step))
        return values

    def _number(self, text: str, least: int, names: list[str] | None) -> int:
        return names.index(text) + least if names and text in names else int(text)

    def next(self, after: float) -> float | None:
        """The first minute that matches, after a time."""
        now = datetime.fromtimestamp(after, self._zone).replace(second=0, microsecond=0)
        moment, end = now + timedelta(minutes=1), now + _FURTHEST
        while moment < end:
            if not self._is_day(moment):
                moment = (moment + timedelta(days=1)).replace(hour=0, minute=0)
            elif moment.hour not in self._hours:
                moment = (moment + timedelta(hours=1)).replace(minute=0)
            elif moment.minute not in self._minutes:
                moment += timedelta(minutes=1)
            else:
                return moment.timestamp()
        return None

    def _is_day(self, moment: datetime) -> bool:
        weekday = moment.isoweekday() % 7 + 1
        return (
            moment.year in self._years
            and moment.month in self._months
            and moment.day in self._days
            and weekday in self._weekdays
        )
