"""What model.yaml's `retention` says of things in S3."""

from __future__ import annotations

from typing import Literal

from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.signal import Finding, Signal, SignalKind, each
from frugal.cleanup.view import View


def past_retention(asked: Literal[True]) -> Signal:
    """It is older than its model's model.yaml keeps it, and nobody needs it (the facts `due` and `why`)."""

    def judge(resource: Resource, view: View) -> Finding:
        facts = resource.facts or {}
        return Finding(facts.get("due"), facts.get("why", ""))

    return each(judge)


KINDS = frozenset(
    {
        "s3-checkpoints",
        "s3-run-models",
        "s3-captured",
        "s3-dataset",
        "s3-code",
        "s3-serving",
        "s3-upload",
        "s3-versions",
    }
)
SIGNALS = {"past_retention": SignalKind(Literal[True], past_retention, KINDS)}
