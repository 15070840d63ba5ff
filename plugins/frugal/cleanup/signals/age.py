"""Signals that go by what a List call says: age, status, place in a row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.signal import Finding, Signal, SignalKind, each, words
from frugal.cleanup.view import View
from frugal.spec.durations import Duration


def older_than(age: timedelta) -> Signal:
    """It was created longer ago."""

    def judge(resource: Resource, view: View) -> Finding:
        return since(resource.created, age, view, "created")

    return each(judge)


def unchanged_for(age: timedelta) -> Signal:
    """It was created and last changed, as AWS has it (LastModifiedTime), longer ago."""

    def judge(resource: Resource, view: View) -> Finding:
        changed = (resource.facts or {}).get("changed") or resource.created
        if isinstance(changed, str):
            changed = datetime.fromisoformat(changed)
        return since(changed, age, view, "changed")

    return each(judge)


def status_in(statuses: list[str]) -> Signal:
    """Its status is one of these."""

    def judge(resource: Resource, view: View) -> Finding:
        return Finding(resource.status in statuses, f"{resource.status or 'without a status'}")

    return each(judge)


def beyond_newest(count: int) -> Signal:
    """There are `count` newer ones of its group (the fact `rank` counts from 0)."""

    def judge(resource: Resource, view: View) -> Finding:
        rank = (resource.facts or {}).get("rank")
        if rank is None:
            return Finding(None, "its place among others is not known")
        return Finding(rank >= count, f"{rank} newer ones")

    return each(judge)


def since(moment: datetime | None, age: timedelta, view: View, what: str) -> Finding:
    """Whether `moment` is `age` ago; without one that cannot be told."""
    if moment is None:
        return Finding(None, f"it is not known when it was {what}")
    seconds = (view.now - moment).total_seconds()
    return Finding(seconds > age.total_seconds(), f"{what} {words(max(seconds, 0))} ago")


SIGNALS = {
    "older_than": SignalKind(Duration, older_than),
    "unchanged_for": SignalKind(Duration, unchanged_for),
    "status_in": SignalKind(Annotated[list[str], Field(min_length=1)], status_in),
    "beyond_newest": SignalKind(
        Annotated[int, Field(ge=0)], beyond_newest, frozenset({"model-package"})
    ),
}
