"""Whose a thing on AWS is. Nothing is changed or deleted that is foreign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frugal.aws.settings import Settings
from frugal.aws.tags import ENVIRONMENT, MANAGED_BY, as_dict


def foreign(client: Any, arn: str) -> str | None:
    """Why this Airflow may not change or delete what stands under `arn`: it does not carry our ownership tag, or
    that of another environment. None when it may. `client` is boto3's of SageMaker.
    """
    return whose(tags_of(client, arn))


def whose(tags: Mapping[str, str]) -> str | None:
    """The same of something with these tags."""
    if not MANAGED_BY.items() <= tags.items():
        return f"without the tag {', '.join(f'{key}={value}' for key, value in MANAGED_BY.items())}"
    return _elsewhere(tags)


def of_another_environment(client: Any, arn: str) -> str | None:
    """Of which other environment than FRUGAL_ENVIRONMENT it is, as a phrase; None for ours, and for nobody's."""
    return _elsewhere(tags_of(client, arn))


def _elsewhere(tags: Mapping[str, str]) -> str | None:
    own = Settings.load().environment
    environment = tags.get(ENVIRONMENT, own)
    if environment == own:
        return None
    return f"of the environment {environment}, and FRUGAL_ENVIRONMENT is {own}"


def tags_of(client: Any, arn: str) -> dict[str, str]:
    """The tags of something of SageMaker's."""
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    return as_dict(tag for page in pages for tag in page["Tags"])
