"""Signals of settings that let things bill on, or be kept for ever."""

from __future__ import annotations

from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.signal import Finding, Signal, SignalKind, Yes, each
from frugal.cleanup.view import View


def no_retention(_: bool) -> Signal:
    """A log group keeps everything for ever."""

    def judge(resource: Resource, view: View) -> Finding:
        days = (resource.facts or {}).get("retention_days")
        if days is None:
            return Finding(True, "it keeps everything for ever")
        return Finding(False, f"it keeps {days} days")

    return each(judge)


def idle_shutdown_off(_: bool) -> Signal:
    """A Studio domain lets idle apps run on."""

    def judge(resource: Resource, view: View) -> Finding:
        off = (resource.facts or {}).get("idle_off")
        if off is None:
            return Finding(None, "its settings are not known")
        if not off:
            return Finding(False, "idle apps are shut down")
        return Finding(True, f"idle apps run on: {', '.join(off)}")

    return each(judge)


def no_lifecycle_configuration(_: bool) -> Signal:
    """A notebook instance has none, so nothing stops it when it is idle."""

    def judge(resource: Resource, view: View) -> Finding:
        name = (resource.facts or {}).get("lifecycle")
        if name:
            return Finding(False, f"it has the lifecycle configuration {name}")
        return Finding(True, "it has no lifecycle configuration")

    return each(judge)


SIGNALS = {
    "no_retention": SignalKind(Yes, no_retention, frozenset({"log-group"})),
    "idle_shutdown_off": SignalKind(Yes, idle_shutdown_off, frozenset({"domain"})),
    "no_lifecycle_configuration": SignalKind(
        Yes, no_lifecycle_configuration, frozenset({"notebook-instance"})
    ),
}
