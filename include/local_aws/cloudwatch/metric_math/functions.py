"""Metric math's functions. The others of CloudWatch (anomaly detection, SEARCH, insight rules and so
on) are refused by name."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local_aws.cloudwatch.metric_math import expressions as e
from local_aws.cloudwatch.metric_math.values import Points, Value, at, safely

if TYPE_CHECKING:
    from local_aws.cloudwatch.metric_math.evaluation import Evaluation

# Of one series a number, of several series a series.
AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": statistics.fmean,
    "MAX": max,
    "MIN": min,
    "SUM": math.fsum,
    "STDDEV": lambda values: statistics.stdev(values) if len(values) > 1 else 0.0,
}

EACH: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "EXP": math.exp,
    "LOG": math.log,
    "LOG10": math.log10,
    "SQRT": math.sqrt,
}

Arguments = tuple[e.Node, ...]
FunctionBody = Callable[["Evaluation", Arguments], Value]


def _aggregate(name: str) -> FunctionBody:
    def body(on: Evaluation, arguments: Arguments) -> Value:
        (value,) = (on.of(a) for a in _count(on, name, arguments, 1))
        if isinstance(value, float | int):
            return value
        if isinstance(value, dict):
            return AGGREGATES[name](list(value.values())) if value else {}
        times = sorted({t for series in value for t in series})
        return {t: AGGREGATES[name]([s[t] for s in value if t in s]) for t in times}

    return body


def _each(name: str) -> FunctionBody:
    def body(on: Evaluation, arguments: Arguments) -> Value:
        (value,) = (on.of(a) for a in _count(on, name, arguments, 1))

        def mapped(points: Points) -> Points:
            found = {t: safely(EACH[name], v) for t, v in points.items()}
            return {t: v for t, v in found.items() if v is not None}

        if isinstance(value, dict):
            return mapped(value)
        if isinstance(value, list):
            return [mapped(points) for points in value]
        result = safely(EACH[name], value)
        return {} if result is None else result

    return body


def _count(on: Evaluation, name: str, arguments: Arguments, *allowed: int) -> Arguments:
    if len(arguments) not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise on.wrong(f"{name} takes {wanted} arguments, not {len(arguments)}")
    return arguments


def _if(on: Evaluation, arguments: Arguments) -> Value:
    """IF(condition, value): where true; IF(condition, value, other): other where false."""
    _count(on, "IF", arguments, 2, 3)
    condition = on.of(arguments[0])
    branches = [on.of(a) for a in arguments[1:]]
    if isinstance(condition, float | int) and not any(isinstance(b, dict) for b in branches):
        chosen = branches[:1] if condition else branches[1:]
        return chosen[0] if chosen else {}
    found: Points = {}
    times = condition if isinstance(condition, dict) else on.grid.times
    for time in times:
        true = at(condition, time)
        branch = branches[0] if true else branches[1] if len(branches) > 1 else {}
        if (value := at(branch, time)) is not None:
            found[time] = value
    return found


def _fill(on: Evaluation, arguments: Arguments) -> Value:
    """FILL(series, number | REPEAT | LINEAR): every period of the window has a value."""
    _count(on, "FILL", arguments, 2)
    points = on.series(arguments[0])
    how = arguments[1].value if isinstance(arguments[1], e.Name) else ""
    if how not in ("REPEAT", "LINEAR"):
        filler = on.series(arguments[1])
        return {t: points.get(t, filler.get(t, 0.0)) for t in on.grid.times}
    found: Points = {}
    known = sorted(points)
    for time in on.grid.times:
        before = [t for t in known if t <= time]
        after = [t for t in known if t >= time]
        if how == "LINEAR" and before and after and before[-1] != after[0]:
            share = (time - before[-1]) / (after[0] - before[-1])
            found[time] = points[before[-1]] * (1 - share) + points[after[0]] * share
        elif before:
            found[time] = points[before[-1]]
    return found


def _metrics(on: Evaluation, arguments: Arguments) -> Value:
    """METRICS(): all MetricStats of the request; METRICS("cpu"): those whose Id has that in it."""
    _count(on, "METRICS", arguments, 0, 1)
    part = arguments[0].value if arguments and isinstance(arguments[0], e.Text) else ""
    return [points for name, points in on.metrics.items() if part in name]


def _metric_count(on: Evaluation, arguments: Arguments) -> Value:
    (value,) = (on.of(a) for a in _count(on, "METRIC_COUNT", arguments, 1))
    return float(len(value)) if isinstance(value, list) else 1.0


def _period(on: Evaluation, arguments: Arguments) -> Value:
    _count(on, "PERIOD", arguments, 1)
    return float(on.grid.period)


def _rate(on: Evaluation, arguments: Arguments) -> Value:
    """The change between neighbouring values, per second."""
    differences, elapsed = _steps(on, _count(on, "RATE", arguments, 1))
    return {t: difference / elapsed[t] for t, difference in differences.items()}


def _diff(on: Evaluation, arguments: Arguments) -> Value:
    return _steps(on, _count(on, "DIFF", arguments, 1))[0]


def _diff_time(on: Evaluation, arguments: Arguments) -> Value:
    return _steps(on, _count(on, "DIFF_TIME", arguments, 1))[1]


def _steps(on: Evaluation, arguments: Arguments) -> tuple[Points, Points]:
    points = on.series(arguments[0])
    width = on.grid.times[1] - on.grid.times[0] if len(on.grid.times) > 1 else 1.0
    pairs = list(zip(sorted(points), sorted(points)[1:], strict=False))
    elapsed = {b: (b - a) / width * on.grid.period for a, b in pairs}
    return {b: points[b] - points[a] for a, b in pairs}, elapsed


def _running_sum(on: Evaluation, arguments: Arguments) -> Value:
    points = on.series(_count(on, "RUNNING_SUM", arguments, 1)[0])
    total, found = 0.0, {}
    for time in sorted(points):
        total += points[time]
        found[time] = total
    return found


def _first(on: Evaluation, arguments: Arguments) -> Value:
    points = on.series(_count(on, "FIRST", arguments, 1)[0])
    return points[min(points)] if points else {}


def _last(on: Evaluation, arguments: Arguments) -> Value:
    points = on.series(_count(on, "LAST", arguments, 1)[0])
    return points[max(points)] if points else {}


def _remove_empty(on: Evaluation, arguments: Arguments) -> Value:
    value = on.of(_count(on, "REMOVE_EMPTY", arguments, 1)[0])
    return [points for points in value if points] if isinstance(value, list) else value


def _time_series(on: Evaluation, arguments: Arguments) -> Value:
    return dict.fromkeys(on.grid.times, on.number(_count(on, "TIME_SERIES", arguments, 1)[0]))


def _calendar(name: str, part: Callable[[datetime], float]) -> FunctionBody:
    def body(on: Evaluation, arguments: Arguments) -> Value:
        _count(on, name, arguments, 1)
        return {t: part(datetime.fromtimestamp(t, UTC)) for t in on.grid.times}

    return body


FUNCTIONS: dict[str, FunctionBody] = {
    **{name: _aggregate(name) for name in AGGREGATES},
    **{name: _each(name) for name in EACH},
    "DAY": _calendar("DAY", lambda t: float(t.isoweekday())),
    "DIFF": _diff,
    "DIFF_TIME": _diff_time,
    "EPOCH": _calendar("EPOCH", lambda t: t.timestamp()),
    "FILL": _fill,
    "FIRST": _first,
    "HOUR": _calendar("HOUR", lambda t: float(t.hour)),
    "IF": _if,
    "LAST": _last,
    "METRICS": _metrics,
    "METRIC_COUNT": _metric_count,
    "MINUTE": _calendar("MINUTE", lambda t: float(t.minute)),
    "PERIOD": _period,
    "RATE": _rate,
    "REMOVE_EMPTY": _remove_empty,
    "RUNNING_SUM": _running_sum,
    "TIME_SERIES": _time_series,
}
