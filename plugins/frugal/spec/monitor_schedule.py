"""`monitor.schedule` as Model Monitor has schedules: every hour, every few hours, or once a day, on the hour."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

HOUR = timedelta(hours=1)
#: Airflow's words for the cron expressions that AWS has an equal of.
WORDS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *"}
SHAPES = "`20 * * * *` (hourly), `20 */6 * * *` (every 6 hours) or `20 5 * * *` (daily)"


class Cadence(NamedTuple):
    """AWS's ScheduleExpression, and the time between two executions."""

    expression: str
    every: timedelta


def cadence(schedule: str) -> Cadence | None:
    """A cron expression's equal; None when AWS has none.

    AWS starts at the full hour or up to 20 minutes later (botocore's model, ScheduleConfig); the minute of `schedule`
    is when Airflow looks at what was found.
    """
    fields = WORDS.get(schedule, schedule).split()
    if len(fields) != 5 or not fields[0].isdecimal() or fields[2:] != ["*", "*", "*"]:
        return None
    if fields[1] == "*":
        return Cadence("cron(0 * ? * * *)", HOUR)
    if every := re.fullmatch(r"(?:\*|(\d+)(?:-23)?)/(\d+)", fields[1]):
        first, hours = int(every[1] or 0), int(every[2])
        if first < hours and hours in (1, 2, 3, 4, 6, 8, 12):
            return Cadence(f"cron(0 {first}/{hours} ? * * *)", hours * HOUR)
        return None
    if fields[1].isdecimal() and int(fields[1]) < 24:
        return Cadence(f"cron(0 {int(fields[1])} ? * * *)", 24 * HOUR)
    return None
