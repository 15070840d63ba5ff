"""The clock that is shifted: everything is as old as AWS says it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from tests.contract.waiting import await_true

from .conftest import BUCKET, IMAGE, ROLE, LocalAws, await_training, training_request
from .test_studio import IDLE, app_of, make_domain, status
from .test_warm_pools import pool as warm_pool

DAY = 86400


def shift(server: LocalAws, seconds: float) -> dict[str, Any]:
    status, body = server.admin("POST", "clock", json.dumps({"Shift": seconds}))
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def in_service(sagemaker: Any, app: dict[str, str]) -> bool:
    return status(sagemaker, app) == "InService"


def days_old(when: datetime) -> int:
    return round((datetime.now(UTC) - when).total_seconds() / DAY)


@pytest.fixture(scope="module")
def server(start_local_aws: Callable[..., LocalAws]) -> Iterator[LocalAws]:
    """One of its own: a shift is felt by all that use it."""
    server = start_local_aws(
        "--clock", "0.1"
    )  # a pool kept for an hour lasts minutes of this machine
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


def test_a_restart_keeps_the_shift_and_what_was_still_to_happen(
    server: LocalAws, name: str
) -> None:
    shift(server, -5 * DAY)
    sagemaker = server.client("sagemaker")
    request = training_request(name)
    request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 3600
    sagemaker.create_training_job(**request)
    await_training(sagemaker, name)
    apps = [
        app_of(make_domain(sagemaker, name, IDLE)),
        app_of(make_domain(sagemaker, f"{name}-without")),
    ]
    for app in apps:
        sagemaker.create_app(**app)
    server.kill()
    server.start()
    _, body = server.admin("GET", "clock")
    assert json.loads(body)["Shifted"] == -5 * DAY
    sagemaker = server.client("sagemaker")
    for app in apps:
        await_true(partial(in_service, sagemaker, app), "an app to start")
    assert warm_pool(sagemaker, name)["Status"] == "Available"

    shift(server, 5 * DAY)

    ended = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 3600}
    assert warm_pool(sagemaker, name) == ended
    await_true(lambda: status(sagemaker, apps[0]) == "Deleted", "the idle app to end")
    assert status(sagemaker, apps[1]) == "InService"


def test_the_clock_stays_within_bounds(server: LocalAws) -> None:
    code, body = server.admin("POST", "clock", json.dumps({"Shift": 1e9}))
    assert (code, b"within" in body) == (400, True)
