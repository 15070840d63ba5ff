"""What all kinds of SageMaker share: pages of a List call, a Describe call that may find nothing, own tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frugal.cleanup.account import Account
from frugal.jobs.kind import is_missing
from frugal.jobs.underway import tags_of as tags_of_arn

PAGE = 100


def pages(
    account: Account, operation: str, member: str, **given: Any
) -> Iterator[list[dict[str, Any]]]:
    """The pages of a List operation of the SageMaker client, a hundred items each: its `member`."""
    paginator = account.client("sagemaker").get_paginator(operation)
    for page in paginator.paginate(**given, PaginationConfig={"PageSize": PAGE}):
        yield page[member]


def describe(account: Account, noun: str, **names: str) -> dict[str, Any] | None:
    """What `describe_<noun>` answers; None when there is no such thing."""
    client = account.client("sagemaker")
    try:
        found: dict[str, Any] = getattr(client, f"describe_{noun}")(**names)
    except client.exceptions.ClientError as error:
        if is_missing(error.response["Error"]):
            return None
        raise
    found.pop("ResponseMetadata", None)
    return found


def tags_of(account: Account, arn: str) -> dict[str, str]:
    """A thing's tags as SageMaker itself has them now."""
    return tags_of_arn(account.client("sagemaker"), arn)
