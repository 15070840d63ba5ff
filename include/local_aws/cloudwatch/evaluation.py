"""What a metric alarm's data points are now, and what state they make."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_aws.cloudwatch.clock import Clock
from local_aws.cloudwatch.judgement import (
    COMPARISONS,
    INSUFFICIENT_DATA,
    Rule,
    judge,
)
from local_aws.cloudwatch.metric_math import Points
from local_aws.cloudwatch.metrics import Metrics
from local_aws.cloudwatch.queries import Queries, Window, as_series, statistic_of
from local_aws.store import Record

MINUTE = 60.0


@dataclass(frozen=True)
class Verdict:
    """A state, why, and the newest data point (None without any)."""

    state: str
    reason: str
    data: str
    newest: float | None


def period_of(alarm: Record) -> float:
    """Seconds on AWS; kept in an alarm as `_period`."""
    if "Metrics" in alarm:
        return Queries("", alarm["Metrics"]).period
    return float(alarm["Period"])


def step(alarm: Record, clock: Clock) -> float:
    """Seconds of this machine between two evaluations: a minute, or a shorter Period, on AWS."""
    return clock.span(min(alarm["_period"], MINUTE))


def evaluate(alarm: Record, region: str, metrics: Metrics, clock: Clock) -> Verdict:
    """Look at the periods that end with the last whole minute, or with a shorter whole Period."""
    rule = Rule(
        alarm["EvaluationPeriods"],
        alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
        alarm.get("TreatMissingData", "missing"),
    )
    period = alarm["_period"]
    width, between = clock.span(period), step(alarm, clock)
    stop = math.floor(clock.now() / between) * between
    window = Window(stop - rule.range * width, stop, clock.scale)
    values = _values(alarm, region, metrics, window)
    times = window.grid(period).times
    compare, words = COMPARISONS[alarm["ComparisonOperator"]]
    threshold = alarm["Threshold"]
    points = [compare(values[t], threshold) if t in values else None for t in times]
    state = alarm["StateValue"]
    if not _too_few(alarm, region, metrics, window, rule):
        state = judge(points, rule, state)
    found = [(t, values[t]) for t in times if t in values][-rule.periods :]
    reason = _reason(state, found, rule, words, threshold, points)
    newest = found[-1][1] if found else None
    return Verdict(state, reason, _data(alarm, clock, found, window), newest)


def _values(alarm: Record, region: str, metrics: Metrics, window: Window) -> Points:
    if "Metrics" not in alarm:
        return statistic_of(metrics, region, stat_of(alarm), window)
    queries = Queries(region, alarm["Metrics"])
    watched = next(q for q in alarm["Metrics"] if q.get("ReturnData", True))
    value = queries.evaluate(metrics, window)[watched["Id"]]
    return as_series(value, window, queries.period)[0]


def stat_of(alarm: Record) -> dict[str, Any]:
    """The MetricStat of an alarm on one metric."""
    metric = {k: alarm[k] for k in ("Namespace", "MetricName", "Dimensions") if k in alarm}
    name = alarm.get("Statistic") or alarm["ExtendedStatistic"]
    unit = {"Unit": alarm["Unit"]} if "Unit" in alarm else {}
    return {"Metric": metric, "Period": alarm["Period"], "Stat": name, **unit}


def _too_few(alarm: Record, region: str, metrics: Metrics, window: Window, rule: Rule) -> bool:
    """Whether a percentile has too few samples to change the state, where the alarm cares: fewer
    than 10 / (1 - percentile) in the evaluated periods (CloudWatch User Guide)."""
    if alarm.get("EvaluateLowSampleCountPercentile") != "ignore":
        return False
    share = float(alarm["ExtendedStatistic"][1:]) / 100
    needed = 10 / min(share, 1 - share) if 0 < share < 1 else 0
    stat = stat_of(alarm) | {"Stat": "SampleCount"}
    width = (window.stop - window.start) / rule.range
    evaluated = Window(window.stop - rule.periods * width, window.stop, window.scale)
    counts = statistic_of(metrics, region, stat, evaluated)
    return sum(counts.values()) < needed


def _reason(
    state: str,
    found: list[tuple[float, float]],
    rule: Rule,
    words: str,
    threshold: float,
    points: list[bool | None],
) -> str:
    if state == INSUFFICIENT_DATA and not found:
        plural = "s were" if rule.periods > 1 else " was"
        return f"Insufficient Data: {rule.periods} datapoint{plural} unknown."
    shown = ", ".join(
        f"{value} ({datetime.fromtimestamp(t, UTC):%d/%m/%y %H:%M:%S})" for t, value in found
    )
    breaching = sum(1 for p in points[-rule.periods :] if p)
    count = breaching if state == "ALARM" else len(found) - breaching
    negation = "" if state == "ALARM" else "not "
    return (
        f"Threshold Crossed: {count} out of the last {len(found)} datapoints [{shown}] were "
        f"{negation}{words} the threshold ({threshold}) (minimum {rule.datapoints} "
        f"datapoint{'s' if rule.datapoints > 1 else ''} for OK -> ALARM transition)."
    )[:1023]


def _data(alarm: Record, clock: Clock, found: list[tuple[float, float]], window: Window) -> str:
    data: dict[str, Any] = {
        "version": "1.0",
        "queryDate": stamp(clock.now()),
        "startDate": stamp(window.start),
        "period": int(alarm["_period"]),
        "recentDatapoints": [value for _, value in found],
        "threshold": alarm["Threshold"],
        "evaluatedDatapoints": [{"timestamp": stamp(t), "value": v} for t, v in reversed(found)],
    }
    if "Metrics" not in alarm:
        data["statistic"] = stat_of(alarm)["Stat"]
    return json.dumps(data)[:4000]


def stamp(seconds: float) -> str:
    """A time as CloudWatch writes it into JSON."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
