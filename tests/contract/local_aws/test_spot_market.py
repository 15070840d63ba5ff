"""EC2's spot prices and placement scores, asked with boto3 as of AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local_aws.conftest import LocalAws


def history(aws: LocalAws, region: str = "us-east-1", **request: Any) -> list[dict[str, Any]]:
    pages = aws.client("ec2", region).get_paginator("describe_spot_price_history")
    asked = {"InstanceTypes": ["m5.xlarge"], "ProductDescriptions": ["Linux/UNIX"], **request}
    return [entry for page in pages.paginate(**asked) for entry in page["SpotPriceHistory"]]


def test_a_start_now_gives_each_zones_present_price(local_aws: LocalAws) -> None:
    now = datetime.now(UTC)
    found = history(local_aws, StartTime=now)
    assert {entry["AvailabilityZone"] for entry in found} == {
        "us-east-1a",
        "us-east-1b",
        "us-east-1c",
    }
    assert all(entry["Timestamp"] <= now for entry in found)
    assert all(0 < float(entry["SpotPrice"]) <= 0.192 for entry in found)


def test_prices_move_and_every_change_in_a_range_is_told_newest_first(local_aws: LocalAws) -> None:
    week = datetime.now(UTC) - timedelta(days=7)
    found = history(local_aws, StartTime=week, AvailabilityZone="us-east-1a")
    times = [entry["Timestamp"] for entry in found]
    assert times == sorted(times, reverse=True)
    assert min(times) <= week
    assert len({entry["SpotPrice"] for entry in found}) > 3


def test_the_seed_decides(local_aws: LocalAws, mortal: LocalAws) -> None:
    asked: dict[str, Any] = {"StartTime": datetime.now(UTC) - timedelta(days=30)}
    first = history(local_aws, **asked)
    assert history(local_aws, **asked) == first
    other = history(mortal, **asked)  # it has another seed
    assert [e["SpotPrice"] for e in other] != [e["SpotPrice"] for e in first]


def test_what_no_market_has_is_left_out(local_aws: LocalAws) -> None:
    assert history(local_aws, InstanceTypes=["x1e.32xlarge"]) == []
    assert history(local_aws, "ap-southeast-4") == []
    assert history(local_aws, ProductDescriptions=["Windows"]) == []


def test_scores_of_regions_and_of_too_few_types(local_aws: LocalAws) -> None:
    ec2 = local_aws.client("ec2")
    asked: dict[str, Any] = {"TargetCapacity": 1, "RegionNames": ["us-east-1", "eu-west-1"]}
    three = ec2.get_spot_placement_scores(
        InstanceTypes=["m5.large", "m5.xlarge", "c5.xlarge"], **asked
    )["SpotPlacementScores"]
    assert {score["Region"] for score in three} == {"us-east-1", "eu-west-1"}
    assert all(1 <= score["Score"] <= 10 for score in three)
    one = ec2.get_spot_placement_scores(InstanceTypes=["m5.large"], **asked)
    assert all(score["Score"] <= 3 for score in one["SpotPlacementScores"])


def test_refusals_are_ec2s(local_aws: LocalAws) -> None:
    ec2 = local_aws.client("ec2")
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.describe_spot_price_history(DryRun=True)
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        ec2.describe_spot_price_history(Filters=[{"Name": "instance-type", "Values": ["m5.*"]}])
    with pytest.raises(ClientError, match="UnknownOperationException"):
        ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)
