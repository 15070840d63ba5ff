"""What a deploy section asks for, in the words of AWS's support matrix: the value given, or None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frugal.spec.deploy import Deploy


def captured(deploy: Deploy) -> Any:
    """The share of the traffic to capture."""
    return deploy.capture_percent or None


def to_zero(deploy: Deploy) -> Any:
    """A least capacity of 0, always or from some hour on."""
    scaling = deploy.autoscale
    if scaling is None:
        return None
    bounds = [scaling.min, *(change.min for change in scaling.schedule)]
    return "min: 0" if 0 in bounds else None


def guarded(deploy: Deploy) -> Any:
    """A rollout that needs deployment guardrails: traffic in steps, or alarms."""
    rollout = deploy.rollout
    if rollout is None:
        return None
    alarmed = rollout.errors_percent is not None or rollout.latency_ms is not None
    return rollout.kind if rollout.kind != "all-at-once" or alarmed else None


def stepwise(deploy: Deploy) -> Any:
    """A rollout that moves traffic in steps."""
    return deploy.rollout.kind if deploy.rollout and deploy.rollout.kind != "all-at-once" else None


def hosts(deploy: Deploy) -> tuple[str, ...]:
    """The instance types that are named, the first choice first."""
    return tuple(filter(None, (deploy.host if deploy.instance else None, *deploy.fallback)))


def instance_of(*families: str) -> Callable[[Deploy], Any]:
    """The first instance type of the section that is of these families."""
    return lambda deploy: next(
        (
            host
            for host in (deploy.instance, *deploy.fallback)
            if host and host.startswith(families)
        ),
        None,
    )


def on_trial(kind: str) -> Callable[[Deploy], Any]:
    """A trial of this kind."""
    return lambda deploy: deploy.trial.kind if deploy.trial and deploy.trial.kind == kind else None
