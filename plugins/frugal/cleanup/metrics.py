"""Many metrics in few calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from frugal.cleanup.view import Query

QUERIES_A_CALL = 500  # GetMetricData, docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference
# Of 100,800 points that a call may ask for: 180 for each of 500 queries, and some to spare.
POINTS_A_QUERY = 180
PERIODS = (60, 300, 3600, 21600, 86400)
MINUTE = timedelta(minutes=1)


def ask(
    cloudwatch: Any, queries: Sequence[Query], start: datetime, end: datetime
) -> list[float | None]:
    """Each query's statistic from `start` to `end`; None where there is no data point.

    The window is asked for in whole periods, so that it may begin up to a period earlier.
    """
    answers: list[float | None] = []
    rest = iter(queries)
    while some := list(islice(rest, QUERIES_A_CALL)):
        answers += _ask(cloudwatch, some, start, end)
    return answers


def _ask(
    cloudwatch: Any, queries: Sequence[Query], start: datetime, end: datetime
) -> list[float | None]:
    period = _period(end - start)
    asked = [
        {
            "Id": f"q{place}",
            "MetricStat": {
                "Metric": {
                    "Namespace": query.namespace,
                    "MetricName": query.metric,
                    "Dimensions": [
                        {"Name": name, "Value": value} for name, value in query.dimensions
                    ],
                },
                "Period": period,
                "Stat": query.statistic,
            },
        }
        for place, query in enumerate(queries)
    ]
    values: dict[str, list[float]] = {}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=asked, StartTime=start - MINUTE, EndTime=end + MINUTE
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            values.setdefault(result["Id"], []).extend(result["Values"])
    return [
        _whole(query.statistic, values.get(f"q{place}", [])) for place, query in enumerate(queries)
    ]


def _whole(statistic: str, values: list[float]) -> float | None:
    if not values:
        return None
    return math.fsum(values) if statistic == "Sum" else max(values)


def _period(window: timedelta) -> int:
    """The finest period that CloudWatch keeps and answers for a whole call of queries."""
    seconds = window.total_seconds()
    return next((period for period in PERIODS if seconds / period <= POINTS_A_QUERY), PERIODS[-1])
