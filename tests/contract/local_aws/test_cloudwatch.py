"""Metrics and alarms from plain boto3, on a clock that the tests advance."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import LocalAws

NAMESPACE = "Shop"
START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)


@pytest.fixture(scope="module")
def aws(unhurried: LocalAws) -> LocalAws:
    return unhurried


@pytest.fixture
def cloudwatch(aws: LocalAws) -> Any:
    return aws.client("cloudwatch")


def pass_minutes(aws: LocalAws, minutes: float) -> None:
    """Of AWS's time, for alarms and scaling."""
    status, body = aws.admin("POST", "clock", json.dumps({"Seconds": minutes * 60}))
    assert status == 200, body


def put(cloudwatch: Any, name: str, *values: float, **datum: Any) -> None:
    """Values a minute apart, from `START` on."""
    data = [
        {"MetricName": name, "Value": value, "Timestamp": START + timedelta(minutes=n), **datum}
        for n, value in enumerate(values)
    ]
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)


def stat(name: str, metric: str, statistic: str = "Sum") -> dict[str, Any]:
    found = {"Namespace": NAMESPACE, "MetricName": metric}
    return {"Id": name, "MetricStat": {"Metric": found, "Period": 60, "Stat": statistic}}


def data(cloudwatch: Any, *queries: dict[str, Any], **arguments: Any) -> dict[str, list[float]]:
    """GetMetricData's values by id, over ten minutes, oldest first."""
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=START,
        EndTime=START + timedelta(minutes=10),
        ScanBy="TimestampAscending",
        **arguments,
    )
    values: dict[str, list[float]] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            values.setdefault(result["Id"], []).extend(result["Values"])
    return values


def test_values_come_back_as_statistics_percentiles_and_in_lists(
    cloudwatch: Any, name: str
) -> None:
    dimensions = [{"Name": "Shop", "Value": "b"}, {"Name": "Area", "Value": "a"}]
    datum = {"MetricName": name, "Dimensions": dimensions, "Unit": "Milliseconds"}
    many = {**datum, "Values": [float(n) for n in range(1, 101)], "Timestamp": START}
    more = {"SampleCount": 2.0, "Sum": 14.0, "Minimum": 7.0, "Maximum": 7.0}
    later = START + timedelta(minutes=2)
    cloudwatch.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[many, {**datum, "StatisticValues": more, "Timestamp": later}],
    )
    asked = {
        "Namespace": NAMESPACE,
        "MetricName": name,
        "Dimensions": list(reversed(dimensions)),
        "StartTime": START,
        "EndTime": START + timedelta(minutes=3),
        "Period": 60,
    }
    names = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    found = cloudwatch.get_metric_statistics(**asked, Statistics=names)["Datapoints"]
    first, second = sorted(found, key=lambda point: point["Timestamp"])
    assert [first[n] for n in names] == [100, 50.5, 5050, 1, 100]
    assert [second[n] for n in names] == [2, 7, 14, 7, 7]
    assert (first["Unit"], second["Timestamp"]) == ("Milliseconds", later)
    percentiles = ["p50", "p90", "p99", "p99.9"]
    found = cloudwatch.get_metric_statistics(**asked, ExtendedStatistics=percentiles)
    first = min(found["Datapoints"], key=lambda point: point["Timestamp"])
    assert [first["ExtendedStatistics"][p] for p in percentiles] == [50, 90, 99, 100]
    listed = cloudwatch.list_metrics(
        Namespace=NAMESPACE, MetricName=name, Dimensions=[{"Name": "Shop"}]
    )["Metrics"]
    assert [{d["Name"]: d["Value"] for d in m["Dimensions"]} for m in listed] == [
        {"Area": "a", "Shop": "b"}
    ]


def test_metric_data_has_math_and_pages(cloudwatch: Any, name: str) -> None:
    put(cloudwatch, f"{name}-a", 10, 20, 30, 40)
    put(cloudwatch, f"{name}-b", 1, 0, 3)
    queries = [
        stat("m1", f"{name}-a"),
        {**stat("m2", f"{name}-b"), "ReturnData": False},
        {"Id": "e1", "Expression": "m1 / m2", "Label": "a by b"},
        {"Id": "e2", "Expression": "e1 + FILL(m2, 100)"},
    ]
    expected = {"m1": [10, 20, 30, 40], "e1": [10, 10], "e2": [11, 13]}
    assert data(cloudwatch, *queries) == expected
    assert data(cloudwatch, *queries, MaxDatapoints=3) == expected


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"Id": "e", "Expression": "SEARCH('x', 'Sum')"}, "no function SEARCH"),
        ({"Id": "e", "Expression": "m9 * 2"}, "no query with the Id 'm9'"),
        ({"Id": "E", "Expression": "1"}, "must start with a lower-case letter"),
        ({"Id": "e"}, "must have either MetricStat or Expression"),
        (stat("m", "x", "tm99"), "statistic 'tm99' is not one"),
    ],
)
def test_queries_that_cannot_be_answered_are_refused(
    cloudwatch: Any, query: dict[str, Any], told: str
) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue") as refused:
        data(cloudwatch, query)
    assert told in str(refused.value)


def test_values_that_aws_does_not_take_are_refused(cloudwatch: Any) -> None:
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("AWS/SageMaker", {"Value": 1.0}, "InvalidParameterValue"),
        (NAMESPACE, {}, "InvalidParameterCombination"),
        (NAMESPACE, {"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination"),
        (NAMESPACE, {"Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue"),
        (
            NAMESPACE,
            {"Value": 1.0, "Timestamp": START - timedelta(days=30)},
            "InvalidParameterValue",
        ),
        (NAMESPACE, {"Value": 1.0, "Unit": "Miles"}, "ValidationError"),
    ]
    for namespace, datum, code in refused:
        with pytest.raises(ClientError) as error:
            cloudwatch.put_metric_data(
                Namespace=namespace, MetricData=[{"MetricName": "Orders", **datum}]
            )
        assert error.value.response["Error"]["Code"] == code


def put_alarm(cloudwatch: Any, name: str, **alarm: Any) -> None:
    """An alarm for more than 5 of the metric of its name, with other members or (None) without."""
    members = {
        "AlarmName": name,
        "Namespace": NAMESPACE,
        "MetricName": name,
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        **alarm,
    }
    cloudwatch.put_metric_alarm(**{k: v for k, v in members.items() if v is not None})


def state(cloudwatch: Any, name: str) -> str:
    asked = {"AlarmNames": [name], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    found = cloudwatch.describe_alarms(**asked)
    (alarm,) = found["MetricAlarms"] + found["CompositeAlarms"]
    return str(alarm["StateValue"])


def report(aws: LocalAws, metric: str, value: float, minutes: int) -> None:
    """A value a minute while minutes pass."""
    cloudwatch = aws.client("cloudwatch")
    for _ in range(minutes):
        datum = {"MetricName": metric, "Value": value}
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
        pass_minutes(aws, 1)


def test_an_alarm_goes_through_its_states_and_tells_topic_and_bus(
    aws: LocalAws, cloudwatch: Any, name: str
) -> None:
    sqs, sns, events = aws.client("sqs"), aws.client("sns"), aws.client("events")
    urls = {}
    for kind in ("mails", "events"):
        urls[kind] = sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    arn = "arn:aws:sqs:us-east-1:123456789012:"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{arn}{name}-mails")
    pattern = {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [name], "state": {"value": ["ALARM"]}},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": f"{arn}{name}-events"}])

    put_alarm(cloudwatch, name, AlarmActions=[topic])
    assert state(cloudwatch, name) == "INSUFFICIENT_DATA"
    report(aws, name, 3, 3)
    assert state(cloudwatch, name) == "OK"
    report(aws, name, 9, 3)
    assert state(cloudwatch, name) == "ALARM"

    def received(kind: str) -> Any:
        (message,) = await_true(
            lambda: sqs.receive_message(QueueUrl=urls[kind]).get("Messages"), f"one of the {kind}"
        )
        return json.loads(message["Body"])

    mail = json.loads(received("mails")["Message"])
    assert (mail["OldStateValue"], mail["NewStateValue"]) == ("OK", "ALARM")
    assert mail["Trigger"]["MetricName"] == name
    assert "2 out of the last 2 datapoints [9.0" in mail["NewStateReason"]
    event = received("events")
    assert event["detail"]["previousState"]["value"] == "OK"
    (metric,) = event["detail"]["configuration"]["metrics"]
    assert metric["metricStat"]["metric"]["name"] == name

    report(aws, name, 1, 3)
    assert state(cloudwatch, name) == "OK"
    pass_minutes(aws, 6)
    assert state(cloudwatch, name) == "INSUFFICIENT_DATA"
    history = cloudwatch.describe_alarm_history(
        AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    steps = [item["HistorySummary"].removeprefix("Alarm updated from ") for item in history]
    missing = "INSUFFICIENT_DATA"
    assert steps == [f"{missing} to OK", "OK to ALARM", "ALARM to OK", f"OK to {missing}"]


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [
        ("missing", "INSUFFICIENT_DATA"),
        ("breaching", "ALARM"),
        ("notBreaching", "OK"),
        ("ignore", "OK"),
    ],
)
def test_missing_data_is_treated_as_asked(
    aws: LocalAws, cloudwatch: Any, name: str, treatment: str, expected: str
) -> None:
    put_alarm(cloudwatch, name, TreatMissingData=treatment)
    report(aws, name, 3, 3)
    assert state(cloudwatch, name) == "OK"
    pass_minutes(aws, 6)
    assert state(cloudwatch, name) == expected


def test_alarms_watch_math_percentiles_and_other_alarms(
    aws: LocalAws, cloudwatch: Any, name: str
) -> None:
    not_of_one_metric = dict.fromkeys(("MetricName", "Namespace", "Statistic", "Period"))
    error_rate = [
        {**stat("errors", f"{name}-errors"), "ReturnData": False},
        {**stat("all", f"{name}-all"), "ReturnData": False},
        {"Id": "rate", "Expression": "100 * errors / all"},
    ]
    put_alarm(cloudwatch, f"{name}-rate", **not_of_one_metric, Metrics=error_rate)
    slow = {"Statistic": None, "ExtendedStatistic": "p90", "MetricName": f"{name}-time"}
    put_alarm(cloudwatch, f"{name}-slow", **slow)
    rule = f'ALARM("{name}-rate") AND NOT OK({name}-slow)'
    cloudwatch.put_composite_alarm(AlarmName=f"{name}-both", AlarmRule=rule)
    for times in ([1.0] * 9 + [60.0], [1.0] * 5 + [60.0] * 5):
        for _ in range(3):
            values = {f"{name}-errors": [3.0], f"{name}-all": [20.0], f"{name}-time": times}
            data = [{"MetricName": metric, "Values": v} for metric, v in values.items()]
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
            pass_minutes(aws, 1)
        slow_state = state(cloudwatch, f"{name}-slow")
        assert state(cloudwatch, f"{name}-rate") == "ALARM"
        assert slow_state == ("OK" if times[5] == 1 else "ALARM")
        assert state(cloudwatch, f"{name}-both") == ("ALARM" if slow_state == "ALARM" else "OK")


def test_a_state_that_was_set_lasts_until_the_next_evaluation(
    aws: LocalAws, cloudwatch: Any, name: str
) -> None:
    put_alarm(cloudwatch, name, TreatMissingData="notBreaching")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="to see")
    pass_minutes(aws, 2)
    assert state(cloudwatch, name) == "OK"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        cloudwatch.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="")
    cloudwatch.disable_alarm_actions(AlarmNames=[name])
    (alarm,) = cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    assert alarm["ActionsEnabled"] is False
    cloudwatch.delete_alarms(AlarmNames=[name])
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []


def test_alarms_are_evaluated_without_being_asked(cloudwatch: Any, name: str) -> None:
    put_alarm(cloudwatch, name, TreatMissingData="notBreaching")
    await_true(lambda: state(cloudwatch, name) == "OK", "the alarm to be evaluated")


@pytest.mark.parametrize(
    ("alarm", "told"),
    [
        ({"Period": 45}, "must be 10, 20, 30 or a multiple of 60"),
        ({"EvaluationPeriods": 2000}, "at most 86400 seconds"),
        ({"DatapointsToAlarm": 3}, "from 1 to EvaluationPeriods, 2"),
        ({"TreatMissingData": "guess"}, "TreatMissingData must be one of"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "no anomaly detection"),
        ({"ExtendedStatistic": "p99"}, "either Statistic or ExtendedStatistic"),
        ({"AlarmActions": ["arn:aws:lambda:us-east-1:1:function:f"]}, "they cannot do"),
        ({"Metrics": [{"Id": "a", "Expression": "1"}]}, "must not be given"),
    ],
)
def test_alarms_that_cannot_be_are_refused(
    cloudwatch: Any, name: str, alarm: dict[str, Any], told: str
) -> None:
    with pytest.raises(ClientError, match="ValidationError") as refused:
        put_alarm(cloudwatch, name, **alarm)
    assert told in str(refused.value)


def on_disk(local: LocalAws, metric: str) -> int:
    query = (
        "SELECT count(*) FROM buckets, metrics WHERE buckets.metric = id AND metrics.metric LIKE ?"
    )
    with closing(sqlite3.connect(local.state / "metrics.sqlite")) as database:
        return int(database.execute(query, (f"%{metric}%",)).fetchone()[0])


def test_metrics_and_alarms_survive_a_kill(mortal: LocalAws, name: str) -> None:
    local = mortal
    cloudwatch = local.client("cloudwatch")
    put(cloudwatch, name, 1, 2, 3, 4)
    put_alarm(cloudwatch, name, TreatMissingData="breaching")
    pass_minutes(local, 3)
    assert state(cloudwatch, name) == "ALARM"
    await_true(lambda: on_disk(local, name) >= 4, "the values to be written")
    local.kill()
    local.start()
    assert data(cloudwatch, stat("m", name, "p100"))["m"] == [1, 2, 3, 4]
    assert state(cloudwatch, name) == "ALARM"


def test_long_requests_come_compressed(cloudwatch: Any, name: str) -> None:
    values = [float(n) for n in range(1, 151)]
    data_ = [{"MetricName": f"{name}-{n}", "Values": values, "Unit": "Count"} for n in range(20)]
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data_)
    found = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
    assert len([m for m in found if m["MetricName"].startswith(name)]) == 20


def test_the_boto3_of_aws_s_images_is_understood(
    aws: LocalAws, python_of: Callable[[str], Path], name: str
) -> None:
    """It is older, and speaks the query protocol to CloudWatch."""
    program = f"""
import boto3
client = boto3.client("cloudwatch", "us-east-1", endpoint_url="{aws.url}")
assert client.meta.service_model.protocol == "query"
data = [{{"MetricName": "{name}", "Values": [1.0, 2.0, 9.0], "Unit": "Count"}}]
client.put_metric_data(Namespace="{NAMESPACE}", MetricData=data)
(metric,) = client.list_metrics(MetricName="{name}")["Metrics"]
stat = {{"Metric": metric, "Period": 86400, "Stat": "p99"}}
import datetime
day = datetime.timedelta(days=1)
now = datetime.datetime.now(datetime.timezone.utc)
queries = [{{"Id": "m", "MetricStat": stat}}]
found = client.get_metric_data(MetricDataQueries=queries, StartTime=now - day, EndTime=now + day)
print(found["MetricDataResults"][0]["Values"])
try:
    client.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="")
except client.exceptions.ResourceNotFound as error:
    print(error.response["Error"]["Message"])
"""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    done = subprocess.run(
        [python_of("images/xgboost-3.0-5"), "-c", program],
        env={**os.environ, **keys},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[9.0]\nAlarm none does not exist\n", done.stderr
