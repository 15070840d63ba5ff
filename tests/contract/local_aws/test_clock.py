"""The clock that is shifted: everything is as old as AWS says it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from .conftest import BUCKET, IMAGE, ROLE, LocalAws

DAY = 86400


def shift(server: LocalAws, seconds: float) -> dict[str, Any]:
    status, body = server.admin("POST", "clock", json.dumps({"Shift": seconds}))
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def days_old(when: datetime) -> int:
    return round((datetime.now(UTC) - when).total_seconds() / DAY)


@pytest.fixture(scope="module")
def server(start_local_aws: Callable[..., LocalAws]) -> Iterator[LocalAws]:
    """One of its own: a shift is felt by all that use it."""
    server = start_local_aws()
    yield server
    server.stop()


def test_what_was_made_before_a_shift_is_older_after_it(server: LocalAws, name: str) -> None:
    sagemaker, s3, logs = (server.client(service) for service in ("sagemaker", "s3", "logs"))
    cloudwatch = server.client("cloudwatch")
    shift(server, -30 * DAY)
    model = {"PrimaryContainer": {"Image": IMAGE}, "ExecutionRoleArn": ROLE}
    sagemaker.create_model(ModelName=name, **model)
    s3.put_object(Bucket=BUCKET, Key=name, Body=b"old")
    s3.create_multipart_upload(Bucket=BUCKET, Key=name)
    logs.create_log_group(logGroupName=f"/{name}")
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "n", "Value": 1.0}])
    assert shift(server, 20 * DAY)["Shifted"] == -10 * DAY
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "n", "Value": 2.0}])
    assert shift(server, 10 * DAY)["Shifted"] == 0

    assert days_old(sagemaker.describe_model(ModelName=name)["CreationTime"]) == 30
    assert days_old(s3.head_object(Bucket=BUCKET, Key=name)["LastModified"]) == 30
    uploads = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [days_old(upload["Initiated"]) for upload in uploads] == [30]
    [group] = logs.describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"]
    assert days_old(datetime.fromtimestamp(group["creationTime"] / 1000, UTC)) == 30
    [point] = cloudwatch.get_metric_statistics(
        Namespace=name,
        MetricName="n",
        StartTime=time.time() - 14 * DAY,
        EndTime=time.time(),
        Period=DAY,
        Statistics=["Sum"],
    )["Datapoints"]
    assert point["Sum"] == 2


def test_a_shift_survives_a_restart_and_has_bounds(server: LocalAws, name: str) -> None:
    shift(server, -5 * DAY)
    server.stop()
    server.start()
    _, body = server.admin("GET", "clock")
    assert json.loads(body)["Shifted"] == -5 * DAY
    shift(server, 5 * DAY)
    status, body = server.admin("POST", "clock", json.dumps({"Shift": 1e9}))
    assert (status, b"within" in body) == (400, True)
