"""What PutMetricAlarm takes: the combinations that CloudWatch refuses, and what is not here."""

from __future__ import annotations

from local_aws.cloudwatch.distribution import check_statistic
from local_aws.cloudwatch.judgement import COMPARISONS, TREATMENTS
from local_aws.cloudwatch.queries import Queries
from local_aws.errors import AwsError
from local_aws.store import Record

DAY = 86400
PERIODS = (10, 20, 30)

_OF_ONE_METRIC = (
    *("MetricName", "Namespace", "Dimensions", "Period"),
    *("Statistic", "ExtendedStatistic", "Unit"),
)
_NOT_HERE = ("ThresholdMetricId", "EvaluationCriteria", "EvaluationInterval", "WarmUpConfiguration")


def wrong(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def check_alarm(region: str, alarm: Record) -> None:
    """Raise `ValidationError`, or `InvalidParameterValueException` for a metric or an expression,
    unless the alarm can be evaluated."""
    refused = [name for name in _NOT_HERE if name in alarm]
    if refused or "WallClockWindow" in alarm.get("EvaluationWindow", {}):
        names = ", ".join(refused or ["EvaluationWindow.WallClockWindow"])
        raise wrong(f"The local AWS's alarms have a Threshold and a sliding window, not {names}")
    period = _check_metrics(region, alarm) if "Metrics" in alarm else _check_metric(alarm)
    _check_rule(alarm, period)


def _check_metrics(region: str, alarm: Record) -> float:
    both = [name for name in _OF_ONE_METRIC if name in alarm]
    if both:
        raise wrong(f"With Metrics, {', '.join(both)} must not be given")
    queries = Queries(region, alarm["Metrics"])
    watched = [q["Id"] for q in alarm["Metrics"] if q.get("ReturnData", True)]
    if len(watched) != 1:
        found = ", ".join(watched) or "none"
        raise wrong(f"Exactly one of Metrics must have ReturnData true, not {found}")
    periods = {q["MetricStat"]["Period"] for q in alarm["Metrics"] if "MetricStat" in q}
    if len(periods) > 1:
        raise wrong(f"All of Metrics must have the same Period, not {sorted(periods)}")
    return queries.period


def _check_metric(alarm: Record) -> float:
    missing = [name for name in ("MetricName", "Namespace", "Period") if name not in alarm]
    if missing:
        raise wrong(f"Without Metrics, {', '.join(missing)} must be given")
    if ("Statistic" in alarm) == ("ExtendedStatistic" in alarm):
        raise wrong("Give either Statistic or ExtendedStatistic")
    if "ExtendedStatistic" in alarm:
        check_statistic(alarm["ExtendedStatistic"])
    if alarm.get("EvaluateLowSampleCountPercentile", "evaluate") not in ("evaluate", "ignore"):
        raise wrong("EvaluateLowSampleCountPercentile must be evaluate or ignore")
    if "Statistic" in alarm and "EvaluateLowSampleCountPercentile" in alarm:
        raise wrong("EvaluateLowSampleCountPercentile is for alarms on percentiles")
    return float(alarm["Period"])


def _check_rule(alarm: Record, period: float) -> None:
    if period not in PERIODS and period % 60:
        raise wrong(f"The Period of an alarm must be 10, 20, 30 or a multiple of 60, not {period}")
    periods = alarm.get("EvaluationPeriods")
    if periods is None or "Threshold" not in alarm:
        raise wrong("EvaluationPeriods and Threshold must be given")
    if periods * period > DAY:
        raise wrong(
            f"EvaluationPeriods times Period must be at most {DAY} seconds, not {periods * period}"
        )
    if not 1 <= alarm.get("DatapointsToAlarm", 1) <= periods:
        raise wrong(f"DatapointsToAlarm must be from 1 to EvaluationPeriods, {periods}")
    if alarm.get("TreatMissingData", "missing") not in TREATMENTS:
        raise wrong(f"TreatMissingData must be one of {', '.join(TREATMENTS)}")
    if alarm.get("ComparisonOperator") not in COMPARISONS:
        raise wrong(
            f"ComparisonOperator must be one of {', '.join(COMPARISONS)}: "
            "the local AWS has no anomaly detection"
        )
