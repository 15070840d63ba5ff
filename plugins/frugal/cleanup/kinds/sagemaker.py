"""What all kinds of SageMaker share: pages of a List call, a Describe call that may find nothing, tags, patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from frugal.cleanup.account import Account
from frugal.cleanup.kind import Gone
from frugal.cleanup.resource import Facts, Resource
from frugal.jobs.kind import exists_already, is_missing
from frugal.jobs.underway import tags_of as tags_of_arn

PAGE = 100
PATIENCE_SECONDS = 1800.0
LOOK_SECONDS = 1.0


class NotPossible(RuntimeError):
    """AWS, or somebody else's thing, stands in the way; the message says which and how."""


def pages(
    account: Account, operation: str, member: str, **given: Any
) -> Iterator[list[dict[str, Any]]]:
    """The pages of a List operation of the SageMaker client, a hundred items each: its `member`."""
    paginator = account.client("sagemaker").get_paginator(operation)
    for page in paginator.paginate(**given, PaginationConfig={"PageSize": PAGE}):
        yield page[member]


def resource_of(
    account: Account, kind: str, member: str, item: dict[str, Any], facts: Facts
) -> Resource:
    """A thing as a List or a Describe call has it, under `<member>Name`, `<member>Arn`, `<member>Status`."""
    return Resource(
        kind=kind,
        name=item[f"{member}Name"],
        region=account.region,
        arn=item[f"{member}Arn"],
        created=item["CreationTime"],
        status=item.get(f"{member}Status"),
        facts=facts,
    )


def since(key: str, moment: datetime | None) -> dict[str, datetime]:
    """The filter of a List operation by that time; none without one."""
    return {} if moment is None else {key: moment}


def describe(account: Account, noun: str, **names: str) -> dict[str, Any] | None:
    """What `describe_<noun>` answers; None when there is no such thing."""
    client = account.client("sagemaker")
    account.looks["made"] += 1
    try:
        found: dict[str, Any] = getattr(client, f"describe_{noun}")(**names)
    except client.exceptions.ClientError as error:
        if is_missing(error.response["Error"]):
            return None
        raise
    found.pop("ResponseMetadata", None)
    return found


def looked_up(account: Account, noun: str, **names: str) -> dict[str, Any]:
    """The same. Raises Gone when there is no such thing."""
    found = describe(account, noun, **names)
    if found is None:
        raise Gone(f"there is no {noun} {names}")
    return found


def call(account: Account, operation: str, **given: Any) -> bool:
    """Call what removes or stops a thing; returns whether the thing was there."""
    client = account.client("sagemaker")
    try:
        getattr(client, operation)(**given)
    except client.exceptions.ClientError as error:
        if is_missing(error.response["Error"]):
            return False
        raise
    return True


def create(account: Account, operation: str, request: dict[str, Any]) -> bool:
    """Call what makes a thing; returns whether it was missing."""
    client = account.client("sagemaker")
    try:
        getattr(client, operation)(**request)
    except client.exceptions.ClientError as error:
        if exists_already(error.response["Error"]):
            return False
        raise
    return True


def tags_of(account: Account, arn: str) -> dict[str, str]:
    """A thing's tags as SageMaker itself has them now."""
    return tags_of_arn(account.client("sagemaker"), arn)


def wait(found: Callable[[], Any], until: Callable[[Any], bool], what: str) -> Any:
    """What `found` gives once `until` is true of it. Raises NotPossible when that takes half an hour."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until(now := found()):
        if time.monotonic() > deadline:
            raise NotPossible(f"{what}: waited {PATIENCE_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)
    return now
