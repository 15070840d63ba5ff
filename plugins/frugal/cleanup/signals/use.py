"""Signals of whether anything needs a thing, or what it hangs on is still there."""

from __future__ import annotations

from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.signal import Finding, Signal, SignalKind, Yes, each
from frugal.cleanup.view import View

NAMED = 3


def unreferenced(_: bool) -> Signal:
    """Nothing in the account needs it, of whomever that is, and it is no champion."""

    def judge(resource: Resource, view: View) -> Finding:
        if (resource.facts or {}).get("protected"):
            return Finding(False, "it is the champion, or the one before it")
        users = sorted(f"{kind} {name}" for kind, name in view.users(resource.kind, resource.name))
        if users:
            more = f" and {len(users) - NAMED} more" if len(users) > NAMED else ""
            return Finding(False, f"needed by {', '.join(users[:NAMED])}{more}")
        return Finding(True, "nothing needs it")

    return each(judge)


def vanished(_: bool) -> Signal:
    """What it belongs to is gone: the fact `belongs_to`, (kind, name)."""

    def judge(resource: Resource, view: View) -> Finding:
        belongs_to = (resource.facts or {}).get("belongs_to")
        if belongs_to is None:
            return Finding(None, "it is not known what it belongs to")
        kind, name = belongs_to
        if view.exists(kind, name):
            return Finding(False, f"there is {kind} {name}")
        return Finding(True, f"there is no {kind} {name}")

    return each(judge)


SIGNALS = {
    "unreferenced": SignalKind(
        Yes, unreferenced, frozenset({"endpoint-config", "model", "model-package", "space"})
    ),
    "vanished": SignalKind(Yes, vanished, frozenset({"scalable-target", "alarm"})),
}
