"""Metrics put, read, widened with age and kept on disk; metric math over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws.cloudwatch.clock import Clock
from local_aws.cloudwatch.distribution import Distribution
from local_aws.cloudwatch.metric import Metric
from local_aws.cloudwatch.metric_math import FUNCTIONS
from local_aws.cloudwatch.metrics import Metrics
from local_aws.cloudwatch.queries import Queries, Window, as_series
from local_aws.cloudwatch.series import DAY, HOUR, Series, tiers
from local_aws.errors import AwsError

START = 1_800_000_000.0
REGION, NAMESPACE = "us-east-1", "Shop"


class Time:
    """A time source that tests move."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def open_metrics(tmp_path: Path, time: Time) -> Iterator[Callable[..., Metrics]]:
    opened: list[Metrics] = []

    def open_(scale: float = 1.0) -> Metrics:
        metrics = Metrics(tmp_path / "metrics.sqlite", Clock(scale, time))
        metrics.start()
        opened.append(metrics)
        return metrics

    yield open_
    for metrics in opened:
        metrics.close()


def put(metrics: Metrics, name: str, *values: float, every: float = 60.0) -> None:
    for number, value in enumerate(values):
        metrics.put(REGION, NAMESPACE, name, {}, value, at=START + number * every)


def test_percentiles_are_exact_for_few_values_and_within_a_percent_for_many() -> None:
    few = Distribution.merged(Distribution.of(float(v)) for v in range(1, 101))
    assert [few.statistic(p) for p in ("p0", "p50", "p99", "p99.9", "p100")] == [
        1,
        50,
        99,
        100,
        100,
    ]
    many = Distribution.merged(Distribution.of(float(v)) for v in range(1, 10_001))
    assert many.statistic("p99") == pytest.approx(9900, rel=0.01)
    assert (many.statistic("Average"), many.statistic("Maximum")) == (5000.5, 10_000)
    assert many.values is not None
    assert len(many.values) < 1000


def test_a_statistic_set_has_no_percentiles_unless_its_values_are_equal() -> None:
    assert Distribution.of_set(10, 100, 5, 15).statistic("p99") is None
    assert Distribution.of_set(10, 50, 5, 5).statistic("p99") == 5


@pytest.mark.parametrize("scale", [0.001, 0.01, 0.1, 0.25, 1.0])
def test_buckets_divide_the_shortest_period_and_their_number_is_bounded(scale: float) -> None:
    kept = tiers(scale)
    assert (10 * scale / kept[0].width) == pytest.approx(round(10 * scale / kept[0].width))
    assert sum(tier.kept / tier.width for tier in kept) < 20_000
    assert kept[-1].kept == 15 * DAY


def test_values_move_into_wider_buckets_and_none_is_lost() -> None:
    series = Series(tiers(1.0))
    for second in range(7200):
        series.put(START + second, Distribution.of(1.0), START + second)
    full = len(series)
    series.age(START + 2 * DAY)
    assert len(series) < full / 100
    (whole,) = [Distribution.merged(v for _, v in series.between(START - HOUR, START + DAY))]
    assert whole.statistic("Sum") == 7200
    series.age(START + 20 * DAY)
    assert len(series) == 0


def test_metrics_survive_a_restart_and_another_clock(
    open_metrics: Callable[..., Metrics], time: Time
) -> None:
    metrics = open_metrics(1.0)
    for value in (1.0, 2.0, 3.0):
        metrics.put(REGION, NAMESPACE, "Orders", {"Shop": "b", "Area": "a"}, value, "Count")
    metrics.close()
    for scale in (1.0, 0.01, 0.01):
        time.now += 10
        again = open_metrics(scale)
        metric = Metric.of(REGION, NAMESPACE, "Orders", {"Area": "a", "Shop": "b"})
        (points,) = again.read(metric, START, START + 60, 60.0)["Count"].values()
        assert [points.statistic(s) for s in ("Sum", "p50", "SampleCount")] == [6, 2, 3]
        again.close()


def test_the_number_of_metrics_is_bounded(
    open_metrics: Callable[..., Metrics], time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 200
    monkeypatch.setattr("local_aws.cloudwatch.metrics.MOST_METRICS", most)
    metrics = open_metrics()
    for number in range(most + 50):
        time.now += 0.001
        metrics.put(REGION, NAMESPACE, f"m{number}", {}, 1.0)
    metrics._age()
    names = {metric.name for metric in metrics.known(REGION)}
    assert len(names) == most
    assert "m0" not in names


def stat(name: str, metric: str, statistic: str = "Sum", period: int = 60) -> dict[str, Any]:
    found = {"Namespace": NAMESPACE, "MetricName": metric}
    return {"Id": name, "MetricStat": {"Metric": found, "Period": period, "Stat": statistic}}


def calculate(metrics: Metrics, expression: str, periods: int = 4) -> list[list[float]]:
    """Values over four minutes of m1 = 10, 20, -, 40 and m2 = 1, 0, 5, 4."""
    asked = [stat("m1", "One"), stat("m2", "Two"), {"Id": "e", "Expression": expression}]
    window = Window(START, START + periods * 60)
    queries = Queries(REGION, asked)
    value = queries.evaluate(metrics, window)["e"]
    return [list(points.values()) for points in as_series(value, window, queries.period)]


@pytest.fixture
def metrics(open_metrics: Callable[..., Metrics]) -> Metrics:
    found = open_metrics()
    put(found, "One", 10, 20)
    found.put(REGION, NAMESPACE, "One", {}, 40, at=START + 180)
    put(found, "Two", 1, 0, 5, 4)
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2 * 2", [12, 20, 48]),
        ("-(m2 - 1) ^ 2", [0, 1, 16, 9]),
        ("m1 / m2", [10, 10]),
        ("100 * m2 / SUM(m2)", [10, 0, 50, 40]),
        ("m2 >= 4 AND m2 != 5", [0, 0, 0, 1]),
        ("IF(m2 > 0, m1, 7)", [10, 7, 40]),
        ("IF(m2 > 0, m2)", [1, 5, 4]),
        ("FILL(m1, 0)", [10, 20, 0, 40]),
        ("FILL(m1, REPEAT)", [10, 20, 20, 40]),
        ("FILL(m1, LINEAR)", [10, 20, 30, 40]),
        ("AVG([m1, m2])", [5.5, 10, 5, 22]),
        ("MAX(METRICS())", [10, 20, 5, 40]),
        ('SUM(METRICS("2"))', [1, 0, 5, 4]),
        ("MIN(m1)", [10, 10, 10, 10]),
        ("RATE(m2) * 60", [-1, 5, -1]),
        ("DIFF(m2)", [-1, 5, -1]),
        ("RUNNING_SUM(m2)", [1, 1, 6, 10]),
        ("PERIOD(m1) / DIFF_TIME(m2)", [1, 1, 1]),
        ("CEIL(m2 / 2)", [1, 0, 3, 2]),
        ("LAST(m1) - FIRST(m1)", [30, 30, 30, 30]),
        ("TIME_SERIES(3) + METRIC_COUNT(METRICS())", [5, 5, 5, 5]),
        ("SQRT(ABS(0 - m2))", [1, 0, 5**0.5, 2]),
        ("SUM(m1) / (MIN(m2) * 2)", []),
        ("EXP(LOG(m2 - 1)) + m1", [43]),
    ],
)
def test_metric_math(metrics: Metrics, expression: str, expected: list[float]) -> None:
    assert calculate(metrics, expression) == [pytest.approx(expected)]


def test_metric_math_over_an_array_gives_a_series_each(metrics: Metrics) -> None:
    assert calculate(metrics, "METRICS() * 2") == [[20, 40, 80], [2, 0, 10, 8]]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("SEARCH('{AWS/SageMaker}', 'Sum')", "no function SEARCH"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "no function ANOMALY_DETECTION_BAND"),
        ("m1 +", "it ends too early"),
        ("m1 $ m2", "unexpected '$ m2'"),
        ("m1 m2", "unexpected 'm2'"),
        ("m9 + 1", "no query with the Id 'm9'"),
        ("FILL(m1)", "FILL takes 2 arguments, not 1"),
        ("e + 1", "refer to each other"),
        ("METRICS() + METRICS()", "cannot combine two arrays"),
        ("IF(METRICS() > 1, m1)", "an array stands where one series is expected"),
    ],
)
def test_metric_math_that_cannot_be_done_is_refused_by_name(
    metrics: Metrics, expression: str, told: str
) -> None:
    with pytest.raises(AwsError) as refused:
        calculate(metrics, expression)
    assert told in refused.value.message
    if "no function" in told:
        assert all(name in refused.value.message for name in FUNCTIONS)


def test_what_aws_publishes_keeps_its_rate_in_an_alarms_shortened_period(
    open_metrics: Callable[..., Metrics],
) -> None:
    metrics = open_metrics(0.1)
    for namespace in ("AWS/SageMaker", NAMESPACE):
        for number in range(60):
            metrics.put(REGION, namespace, "Invocations", {}, 1.0, at=START + number / 10)
    window = Window(START, START + 6, scale=0.1)
    sums = []
    for namespace in ("AWS/SageMaker", NAMESPACE):
        query = stat("m1", "Invocations")
        query["MetricStat"]["Metric"]["Namespace"] = namespace
        (value,) = Queries(REGION, [query]).evaluate(metrics, window).values()
        assert isinstance(value, dict)
        sums.append(sum(value.values()))
    assert sums == [600, 60]
