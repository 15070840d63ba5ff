"""Whose a rule, a queue or an alarm is: only our own are changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping

from frugal.aws.settings import Settings
from frugal.aws.tags import ENVIRONMENT, MANAGED_BY


class NotOurs(Exception):
    """There is something of that name that Frugal did not make, or that belongs to another environment."""


def check(thing: str, tags: Mapping[str, str]) -> None:
    """Raise NotOurs unless `tags` are those of something of ours."""
    if not MANAGED_BY.items() <= tags.items():
        raise NotOurs(f"{thing} does not carry the tag ManagedBy=frugal")
    own = Settings.load().environment
    if (environment := tags.get(ENVIRONMENT, own)) != own:
        raise NotOurs(
            f"{thing} is of the environment {environment}, and FRUGAL_ENVIRONMENT is {own}"
        )
