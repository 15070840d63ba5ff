"""When Model Monitor's schedules are due on the local clock, and what they look at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local_aws.errors import AwsError
from local_aws.sagemaker.monitoring_times import HOUR, Times, offset

NOON = datetime(2026, 11, 22, 12, 20, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "due", "hours"),
    [
        ("cron(0 * ? * * *)", "2026-11-22T13:00", 1),
        ("cron(0 5 ? * * *)", "2026-11-23T05:00", 24),
        ("cron(0 3/6 ? * * *)", "2026-11-22T15:00", 6),
        ("cron(0 17/12 ? * * *)", "2026-11-22T17:00", 12),
    ],
)
def test_a_schedule_is_due_on_its_hours_over_those_before(
    expression: str, due: str, hours: int
) -> None:
    times = Times.read({"ScheduleExpression": expression})
    at = times.next(NOON, 1.0)
    assert at is not None
    assert f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M}" == due
    assert times.window(at, 1.0) == (at - hours * HOUR, at)
    assert times.next(at, 1.0) == at + hours * HOUR


def test_hours_are_shorter_on_a_faster_clock() -> None:
    times = Times.read({"ScheduleExpression": "cron(0 * ? * * *)"})
    at = times.next(NOON, 0.01)
    assert at is not None
    assert 0 < at - NOON <= 36
    assert times.window(at, 0.01) == (at - 36, at)


def test_once_is_once_over_what_is_asked_for() -> None:
    asked = {
        "ScheduleExpression": "NOW",
        "DataAnalysisStartTime": "-PT5H",
        "DataAnalysisEndTime": "-PT1H",
    }
    times = Times.read(asked)
    assert times.next(NOON, 1.0) is None
    assert times.window(NOON, 1.0) == (NOON - 5 * HOUR, NOON - HOUR)


@pytest.mark.parametrize("text", ["PT", "P", "1H", "-PT1S"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(AwsError, match="ISO 8601"):
        offset(text)
