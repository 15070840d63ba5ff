"""PutMetricData, ListMetrics, GetMetricStatistics and GetMetricData."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from typing import Any

from local_aws.cloudwatch.distribution import SIMPLE, Distribution, check_statistic
from local_aws.cloudwatch.metric import Metric
from local_aws.cloudwatch.queries import Queries, Window, as_series, check_period
from local_aws.cloudwatch.series import DAY, HOUR
from local_aws.errors import AwsError
from local_aws.sagemaker.registry import Call, Params
from local_aws.service import Service

SERVICE = Service("cloudwatch", invalid="ValidationError")

LIST_PAGE = 500
# What one GetMetricData request may ask for (API reference).
MOST_QUERIES, MOST_POINTS = 500, 100_800
MOST_STATISTICS_POINTS = 1440
# A value's time may be up to two weeks back and two hours ahead (API reference).
OLDEST, NEWEST = 14 * DAY, 2 * HOUR


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)


def combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombinationException", message)


@SERVICE.operation("PutMetricData")
def put_metric_data(call: Call, params: Params) -> Params:
    namespace = params["Namespace"]
    if namespace.startswith("AWS/"):
        raise invalid(
            f"The value {namespace} for parameter Namespace is invalid: "
            "namespaces that begin with AWS/ are AWS's own"
        )
    now = call.app.cloudwatch.clock.now()
    puts = []
    for number, datum in enumerate(params.get("MetricData", []), 1):
        at = datum.get("Timestamp", now)
        if not now - OLDEST <= at <= now + NEWEST:
            raise invalid(
                f"The parameter MetricData.member.{number}.Timestamp must be within the last two "
                "weeks or the next two hours"
            )
        puts += [(datum, at, values) for values in _values(datum, number)]
    for datum, at, values in puts:
        call.app.cloudwatch.metrics.put(
            call.region,
            namespace,
            datum["MetricName"],
            dimensions_of(datum),
            values,
            datum.get("Unit", "None"),
            at,
        )
    return {}


def _values(datum: Params, number: int) -> Iterator[Distribution]:
    given = [name for name in ("Value", "StatisticValues", "Values") if name in datum]
    if len(given) != 1:
        raise combination(
            f"MetricData.member.{number} must have one of Value, StatisticValues and Values, "
            f"not {', '.join(given) or 'none of them'}"
        )
    if "StatisticValues" in datum:
        s = datum["StatisticValues"]
        yield Distribution.of_set(s["SampleCount"], s["Sum"], s["Minimum"], s["Maximum"])
        return
    values = datum.get("Values", [datum.get("Value")])
    counts = datum.get("Counts", [1.0] * len(values))
    if len(counts) != len(values):
        raise invalid(f"MetricData.member.{number}: Values and Counts must be of the same length")
    for value, count in zip(values, counts, strict=True):
        if not math.isfinite(value):
            raise invalid(f"MetricData.member.{number}: {value} is not a value of a metric")
        yield Distribution.of(float(value), float(count))


def dimensions_of(params: Params) -> dict[str, str]:
    return {d["Name"]: d["Value"] for d in params.get("Dimensions", [])}


@SERVICE.operation("ListMetrics")
def list_metrics(call: Call, params: Params) -> Params:
    now = call.app.cloudwatch.clock.now()
    since = now - 3 * HOUR if "RecentlyActive" in params else 0.0
    wanted = params.get("Dimensions", [])
    found = [
        {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": k, "Value": v} for k, v in metric.dimensions],
        }
        for metric in call.app.cloudwatch.metrics.known(call.region, since)
        if params.get("Namespace", metric.namespace) == metric.namespace
        and params.get("MetricName", metric.name) == metric.name
        and all(_has(metric, dimension) for dimension in wanted)
    ]
    start = offset_of(params)
    page = found[start : start + LIST_PAGE]
    more = start + LIST_PAGE < len(found)
    return {"Metrics": page} | ({"NextToken": token(start + LIST_PAGE)} if more else {})


def _has(metric: Metric, dimension: dict[str, str]) -> bool:
    value = dict(metric.dimensions).get(dimension["Name"])
    return value is not None and dimension.get("Value", value) == value


@SERVICE.operation("GetMetricStatistics")
def get_metric_statistics(call: Call, params: Params) -> Params:
    period, names = params["Period"], params.get("Statistics", [])
    extended = params.get("ExtendedStatistics", [])
    if bool(names) == bool(extended):
        raise combination("Give either Statistics or ExtendedStatistics")
    for name in extended:
        check_statistic(name)
    check_period(period)
    window = _window(params, period)
    if (window.stop - window.start) / period > MOST_STATISTICS_POINTS:
        raise combination(
            f"You have requested up to {math.ceil((window.stop - window.start) / period)} "
            f"datapoints, which exceeds the limit of {MOST_STATISTICS_POINTS}. You may reduce the "
            "datapoints requested by increasing Period, or decreasing the time range."
        )
    metric = Metric.of(
        call.region, params["Namespace"], params["MetricName"], dimensions_of(params)
    )
    found = call.app.cloudwatch.metrics.read(
        metric, window.start, window.stop, period, params.get("Unit")
    )
    points = [
        _datapoint(time, unit, values, names, extended)
        for unit, by_time in found.items()
        for time, values in by_time.items()
    ]
    return {"Label": params["MetricName"], "Datapoints": points}


def _datapoint(
    time: float, unit: str, values: Distribution, names: list[str], extended: list[str]
) -> Params:
    point: Params = {"Timestamp": time, "Unit": unit}
    point |= {name: values.statistic(name) for name in SIMPLE if name in names}
    if extended:
        computed = {name: values.statistic(name) for name in extended}
        point["ExtendedStatistics"] = {k: v for k, v in computed.items() if v is not None}
    return point


def _window(params: Params, period: float) -> Window:
    """Of a client: its start is rounded down to a minute, or to a shorter period."""
    step = min(period, 60)
    start, stop = params["StartTime"] // step * step, params["EndTime"]
    if start >= stop:
        raise combination("The parameter StartTime must be less than the parameter EndTime.")
    return Window(start, stop)


@SERVICE.operation("GetMetricData")
def get_metric_data(call: Call, params: Params) -> Params:
    asked = params["MetricDataQueries"]
    if not 0 < len(asked) <= MOST_QUERIES:
        raise invalid(f"There must be from 1 to {MOST_QUERIES} MetricDataQueries")
    queries = Queries(call.region, asked)
    window = _window(params, queries.shortest)
    values = queries.evaluate(call.app.cloudwatch.metrics, window)
    results: list[Params] = []
    for query in asked:
        if not query.get("ReturnData", True):
            continue
        label = query.get("Label") or _label(query)
        found = as_series(values[query["Id"]], window, queries.period)
        results += [{"Id": query["Id"], "Label": label, "_points": points} for points in found]
    return _paged(results, params)


def _label(query: Params) -> str:
    if "MetricStat" in query:
        name: str = query["MetricStat"]["Metric"]["MetricName"]
        return name
    return str(query["Id"])


def _paged(results: list[Params], params: Params) -> Params:
    """At most MaxDatapoints points a page, in the order of the results and within each by ScanBy."""
    limit = min(params.get("MaxDatapoints", MOST_POINTS), MOST_POINTS)
    newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    skip, room, page, more = offset_of(params), limit, [], False
    start = skip
    for result in results:
        points = sorted(result.pop("_points").items(), reverse=newest_first)
        if skip and skip >= len(points):
            skip -= len(points)
            continue
        taken = points[skip : skip + room]
        rest = len(points) - skip - len(taken)
        skip, room = 0, room - len(taken)
        status = "PartialData" if rest else "Complete"
        times, values = [t for t, _ in taken], [v for _, v in taken]
        page.append({**result, "Timestamps": times, "Values": values, "StatusCode": status})
        if rest:
            more = True
            break
    found: Params = {"MetricDataResults": page, "Messages": []}
    return found | ({"NextToken": token(start + limit)} if more else {})


def token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps(offset).encode()).decode()


def offset_of(params: dict[str, Any]) -> int:
    """Where a page starts. Raises `InvalidNextToken` for a token that was not given here."""
    if "NextToken" not in params:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(params["NextToken"])))
    except (ValueError, TypeError) as error:
        raise AwsError("InvalidNextToken", "The NextToken is not one that was returned") from error
