"""What EC2 says of spot capacity now: prices and placement scores.

SageMaker publishes no spot price. EC2's, of the instance type of the same name, is the only public one: a signal
to rank by, not what SageMaker bills.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from statistics import median
from typing import Any

from frugal.aws.settings import Settings

PRODUCT = "Linux/UNIX"
# GetSpotPlacementScores, EC2 API reference: "If you specify one or two instance types [...] the returned placement
# score will always be low"; RegionNames takes 10.
FEWEST_TYPES = 3
MOST_REGIONS = 10
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 10, 2


class Unavailable(LookupError):
    """EC2 did not answer, or may not be asked; the message is the reason."""


def prices(region: str, instances: Collection[str]) -> Mapping[str, float]:
    """USD an hour by SageMaker instance type: the median of the zones' newest EC2 spot prices.

    A type without a price is missing. Which zone a job gets is SageMaker's choice, hence the median. Raises
    Unavailable.
    """
    wanted = {_ec2(instance): instance for instance in instances}
    newest: dict[tuple[str, str], tuple[datetime, float]] = {}
    for page in _ask(
        region,
        "describe_spot_price_history",
        InstanceTypes=sorted(wanted),
        ProductDescriptions=[PRODUCT],
        StartTime=datetime.now(UTC),  # EC2 adds the price that holds at the start
    ):
        for entry in page["SpotPriceHistory"]:
            key = (entry["InstanceType"], entry["AvailabilityZone"])
            found = (entry["Timestamp"], float(entry["SpotPrice"]))
            newest[key] = max(found, newest.get(key, found))
    by_type: dict[str, list[float]] = {}
    for (instance, _), (_, price) in newest.items():
        by_type.setdefault(wanted[instance], []).append(price)
    return {instance: median(found) for instance, found in by_type.items()}


def scores(home: str, regions: Collection[str], instances: Collection[str]) -> Mapping[str, int]:
    """EC2's placement score, 1 to 10, of a request for any of `instances`, by region; asked in `home`.

    Raises Unavailable, also for fewer than three types, which EC2 always scores low.
    """
    if len(set(instances)) < FEWEST_TYPES:
        raise Unavailable(f"EC2 scores fewer than {FEWEST_TYPES} instance types always low")
    if len(set(regions)) > MOST_REGIONS:
        raise Unavailable(f"EC2 scores at most {MOST_REGIONS} regions at a time")
    found: dict[str, int] = {}
    for page in _ask(
        home,
        "get_spot_placement_scores",
        InstanceTypes=sorted({_ec2(instance) for instance in instances}),
        TargetCapacity=1,
        SingleAvailabilityZone=False,
        RegionNames=sorted(set(regions)),
    ):
        found |= {score["Region"]: int(score["Score"]) for score in page["SpotPlacementScores"]}
    return found


def _ask(region: str, operation: str, **request: Any) -> list[Mapping[str, Any]]:
    """Every page of the answer. A decision must not hang: what does not answer soon is unavailable."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    patience = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    hook: AwsGenericHook[Any] = AwsGenericHook(
        aws_conn_id=Settings.load().conn_id,
        client_type="ec2",
        region_name=region,
        config=patience,
    )
    try:
        return list(hook.conn.get_paginator(operation).paginate(**request))
    except ClientError as error:
        raise Unavailable(f"ec2 {operation}: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise Unavailable(f"ec2 {operation}: {error}") from error


def _ec2(instance: str) -> str:
    """The EC2 type of a SageMaker type: m5.xlarge of ml.m5.xlarge."""
    return instance.removeprefix("ml.")
