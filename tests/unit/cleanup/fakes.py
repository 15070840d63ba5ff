"""An account that is data alone: what rules are judged against without any AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from frugal.cleanup.kinds import KINDS
from frugal.cleanup.plan import Plan
from frugal.cleanup.planning import make_plan
from frugal.cleanup.resource import Resource
from frugal.cleanup.rules import Rules
from frugal.cleanup.view import Query

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
ENVIRONMENT = "production"
OURS = {"ManagedBy": "frugal", "frugal:environment": ENVIRONMENT}
DAY = timedelta(days=1)


@dataclass
class FakeView:
    """`requests` are those that a name got within any window, None without a data point; `needed` by (kind, name)."""

    requests: Mapping[str, float] = field(default_factory=dict)
    needed: Mapping[tuple[str, str], Set[tuple[str, str]]] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    now: datetime = NOW

    def metrics(self, queries: Sequence[Query], window: timedelta) -> Sequence[float | None]:
        return [self.requests.get(dict(query.dimensions)["EndpointName"]) for query in queries]

    def users(self, kind: str, name: str) -> Set[tuple[str, str]]:
        return self.needed.get((kind, name), frozenset())

    def exists(self, kind: str, name: str) -> bool:
        return False

    def unknown(self, kinds: Iterable[str]) -> str | None:
        return "; ".join(self.unseen[kind] for kind in kinds if kind in self.unseen) or None


def endpoint(name: str = "idle", **given: Any) -> Resource:
    """One of ours that is a hundred days old."""
    facts = {"variants": {"main": {"count": 1, "instance": "ml.m5.large", "serverless": False}}}
    values = {"created": NOW - 100 * DAY, "tags": OURS, "facts": facts, "status": "InService"}
    return Resource("endpoint", name, "us-east-1", f"arn:{name}", **{**values, **given})


def plan(
    resources: Iterable[Resource],
    rules: Rules,
    view: FakeView | None = None,
    marks: Mapping[str, str] | None = None,
) -> Plan:
    """The plan for these resources, each a batch of its own, at 100 dollars a month each."""
    return make_plan(
        ((KINDS[resource.kind], [resource]) for resource in resources),
        rules,
        view or FakeView(),
        region="us-east-1",
        environment=ENVIRONMENT,
        monthly=lambda kind, resource: 100.0,
        marks=marks,
    )


def rules(caps: Mapping[str, Any] | None = None, **more: Any) -> Rules:
    """One rule for idle endpoints, with a grace of three days."""
    idle = {"kind": "endpoint", "when": {"older_than": "14d", "no_invocations": "14d"}}
    loose = {"share": 1.0, **(caps or {})}
    return Rules.model_validate({"rules": {"idle": {**idle, "grace": "3d", **more}}, "caps": loose})
