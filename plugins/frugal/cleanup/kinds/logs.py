"""Log groups that keep everything for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind
from frugal.cleanup.resource import Resource

PAGE = 50  # DescribeLogGroups, botocore's model
RETENTION_DAYS = 30
GIB = 2**30


def _list(account: Account) -> Iterator[list[Resource]]:
    pages = account.client("logs").get_paginator("describe_log_groups")
    for page in pages.paginate(PaginationConfig={"PageSize": PAGE}):
        yield [_resource(account, item) for item in page["logGroups"]]


def _resource(account: Account, item: dict[str, Any]) -> Resource:
    return Resource(
        kind="log-group",
        name=item["logGroupName"],
        region=account.region,
        arn=item["arn"].removesuffix(":*"),
        created=datetime.fromtimestamp(item["creationTime"] / 1000, UTC),
        facts={
            "retention_days": item.get("retentionInDays"),
            "gib": item.get("storedBytes", 0) / GIB,
        },
    )


def _again(account: Account, resource: Resource) -> Resource | None:
    client = account.client("logs")
    found = client.describe_log_groups(logGroupNamePrefix=resource.name)["logGroups"]
    for item in found:
        if item["logGroupName"] == resource.name:
            tags = client.list_tags_for_resource(resourceArn=resource.arn)["tags"]
            return replace(_resource(account, item), tags=tags)
    return None


def _monthly(account: Account, resource: Resource) -> float | None:
    """What is stored costs; how much of it a retention lets go is not known before."""
    price = account.prices.usage("logs_gb_month", account.region)
    gib = (resource.facts or {})["gib"]
    if not gib:
        return 0.0
    return None if price is None else price * gib


def _retain(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    account.client("logs").put_retention_policy(
        logGroupName=resource.name, retentionInDays=RETENTION_DAYS
    )
    return [f"log group {resource.name} keeps {RETENTION_DAYS} days"]


def _retain_for_ever(account: Account, recipe: Recipe) -> list[str]:
    """What is stored by then is kept; what AWS deleted since the retention was set is gone."""
    account.client("logs").delete_retention_policy(logGroupName=recipe["name"])
    return [f"log group {recipe['name']} keeps everything again"]


KINDS = (
    CleanupKind(
        name="log-group",
        order=64,
        list=_list,
        again=_again,
        acts={
            "set-retention": Act(
                lambda account, resource: {"name": resource.name},
                _retain,
                _retain_for_ever,
                ends=False,
            )
        },
        monthly=_monthly,
        tagged_as="logs:log-group",
    ),
)
