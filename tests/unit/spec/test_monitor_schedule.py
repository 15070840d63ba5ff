"""Airflow's cron expressions as Model Monitor's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from frugal.spec.monitor_schedule import cadence


@pytest.mark.parametrize(
    ("schedule", "expression", "hours"),
    [
        ("@hourly", "cron(0 * ? * * *)", 1),
        ("20 * * * *", "cron(0 * ? * * *)", 1),
        ("20 */6 * * *", "cron(0 0/6 ? * * *)", 6),
        ("5 3-23/12 * * *", "cron(0 3/12 ? * * *)", 12),
        ("@daily", "cron(0 0 ? * * *)", 24),
        ("20 5 * * *", "cron(0 5 ? * * *)", 24),
    ],
)
def test_what_both_can_say(schedule: str, expression: str, hours: int) -> None:
    assert cadence(schedule) == (expression, timedelta(hours=hours))


@pytest.mark.parametrize(
    "schedule",
    ["*/30 * * * *", "20 */5 * * *", "0 0 * * 1", "@weekly", "20 25 * * *", "0,30 * * * *"],
)
def test_what_model_monitor_cannot(schedule: str) -> None:
    assert cadence(schedule) is None
