"""MetricDataQueries evaluated: what GetMetricData returns and what alarms on metric math look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local_aws.cloudwatch.distribution import check_statistic
from local_aws.cloudwatch.metric import Metric
from local_aws.cloudwatch.metric_math import Evaluation, Grid, Points, Value, names, parse
from local_aws.cloudwatch.metrics import Metrics
from local_aws.errors import AwsError

Query = dict[str, Any]

# Namespaces of metrics that AWS publishes of the traffic it serves.
PUBLISHED_BY_AWS = ("AWS/", "/aws/")
_EXTENSIVE = ("Sum", "SampleCount")


@dataclass(frozen=True)
class Window:
    """From `start` until before `stop`, in seconds since 1970.

    `scale` is how many seconds of this machine a second of a Period lasts: 1 for clients, who ask
    about the time that passed, and the local clock's for alarms. What AWS publishes of traffic
    keeps its rate in such a shortened period: its Sum and SampleCount are those of a whole one.
    """

    start: float
    stop: float
    scale: float = 1.0

    def grid(self, period: float) -> Grid:
        width = period * self.scale
        count = max(0, int((self.stop - self.start) / width + 1 - 1e-6))
        return Grid([self.start + n * width for n in range(count)], period)


def statistic_of(metrics: Metrics, region: str, stat: Mapping[str, Any], window: Window) -> Points:
    """The values of a MetricStat (Metric, Period, Stat, Unit) by the start of the period."""
    metric, name = stat["Metric"], stat["Stat"]
    namespace = metric.get("Namespace", "")
    dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}
    asked = Metric.of(region, namespace, metric.get("MetricName", ""), dimensions)
    width = stat["Period"] * window.scale
    found = metrics.read(asked, window.start, window.stop, width, stat.get("Unit"))
    merged: dict[float, list[Any]] = {}
    for points in found.values():
        for time, values in points.items():
            merged.setdefault(time, []).append(values)
    keeps_rate = namespace.startswith(PUBLISHED_BY_AWS) and name in _EXTENSIVE
    factor = 1 / window.scale if keeps_rate else 1.0
    result: Points = {}
    for time in sorted(merged):
        first, *others = merged[time]
        for other in others:
            first.add(other)
        value = first.statistic(name)
        if value is not None:
            result[time] = value * factor
    return result


class Queries:
    """The queries of one request, each evaluated once, those that it refers to before it."""

    def __init__(self, region: str, queries: Sequence[Query]) -> None:
        self._region = region
        self._queries = {q["Id"]: q for q in queries}
        self._check(queries)

    def _check(self, queries: Sequence[Query]) -> None:
        if len(self._queries) < len(queries):
            raise _invalid("The Ids of MetricDataQueries must be unique")
        for query in queries:
            name = query["Id"]
            if not (name[0].islower() and name.isidentifier() and name.isascii()):
                raise _invalid(
                    f"The Id {name!r} must start with a lower-case letter and hold only letters, "
                    "digits and underscores"
                )
            if ("MetricStat" in query) == ("Expression" in query):
                raise _invalid(f"Query {name} must have either MetricStat or Expression")
            if "MetricStat" in query:
                check_statistic(query["MetricStat"]["Stat"])
                check_period(query["MetricStat"]["Period"])
            else:
                parse(query["Expression"])

    @cached_property
    def period(self) -> float:
        """The Period of expressions: the longest of the metrics', or the query's own."""
        periods = [q["MetricStat"]["Period"] for q in self._queries.values() if "MetricStat" in q]
        own = [q["Period"] for q in self._queries.values() if "Period" in q]
        return float(max([*periods, *own], default=300))

    @property
    def shortest(self) -> float:
        """The shortest Period, which the window of a client is rounded to."""
        periods = [q["MetricStat"]["Period"] for q in self._queries.values() if "MetricStat" in q]
        return float(min(periods, default=self.period))

    def evaluate(self, metrics: Metrics, window: Window) -> dict[str, Value]:
        """By Id. Raises `InvalidParameterValueException` for an expression that cannot be."""
        stats = {
            name: statistic_of(metrics, self._region, query["MetricStat"], window)
            for name, query in self._queries.items()
            if "MetricStat" in query
        }
        known: dict[str, Value] = dict(stats)
        grid = window.grid(self.period)

        def resolve(name: str, asking: tuple[str, ...]) -> None:
            if name in known or name not in self._queries:
                return
            if name in asking:
                raise _invalid(f"The expressions of {', '.join(asking)} refer to each other")
            expression = self._queries[name]["Expression"]
            for other in names(parse(expression)):
                resolve(other, (*asking, name))
            known[name] = Evaluation(expression, known, stats, grid).result()

        for name in self._queries:
            resolve(name, ())
        return known


def as_series(value: Value, window: Window, period: float) -> list[Points]:
    """What a query returns: the series of an array, or one; a number in every period."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    return [dict.fromkeys(window.grid(period).times, value)]


def check_period(period: int) -> None:
    """Raise `InvalidParameterValueException` unless 1, 5, 10, 20, 30 or a multiple of 60."""
    if period not in (1, 5, 10, 20, 30) and period % 60:
        raise _invalid(f"The Period {period} must be 1, 5, 10, 20, 30 or a multiple of 60")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)
