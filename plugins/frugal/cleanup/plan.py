"""What is to be done about an account, and why: data alone, nothing here changes anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from frugal.cleanup.resource import Resource


class Verdict(StrEnum):
    """What comes of a resource tonight."""

    MARK = "mark"  # it was found for the first time, and its grace begins
    WAIT = "wait"  # it is marked, and its grace is not over
    ACT = "act"  # it is marked, its grace is over
    SPARE = "spare"  # it was found, or is marked, but stays: `reason` says why
    REPORT = "report"  # it is somebody else's: told of, never touched


@dataclass(frozen=True, slots=True)
class Item:
    """One resource that a rule found. `due` is when its grace is over; `monthly` are the dollars a month that go with
    it, None when the price is unknown; `marked` whether it carries a mark.
    """

    resource: Resource
    rule: str
    action: str
    verdict: Verdict
    reason: str
    due: datetime | None = None
    monthly: float | None = 0.0
    marked: bool = False

    def as_json(self) -> dict[str, Any]:
        """The item with ISO 8601 times; its resource without facts, as {"kind", "name", "region", "arn", ...}."""
        resource = self.resource
        return {
            "id": resource.id,
            "kind": resource.kind,
            "name": resource.name,
            "region": resource.region,
            "arn": resource.arn,
            "created": resource.created and resource.created.isoformat(),
            "status": resource.status,
            "tags": dict(resource.tags),
            "rule": self.rule,
            "action": self.action,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "due": self.due and self.due.isoformat(),
            "monthly": self.monthly,
            "marked": self.marked,
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Item:
        """What `as_json` wrote."""
        created, due = (
            line[key] and datetime.fromisoformat(line[key]) for key in ("created", "due")
        )
        keys = ("kind", "name", "region", "arn", "status", "tags")
        resource = Resource(**{key: line[key] for key in keys}, created=created)
        verdict = Verdict(line["verdict"])
        rest = {key: line[key] for key in ("rule", "action", "reason", "monthly", "marked")}
        return cls(resource, verdict=verdict, due=due, **rest)


@dataclass(frozen=True)
class Plan:
    """One region at one time. `looked` counts what was listed, by kind, and `ours` those of them that are ours;
    `unseen` says of kinds that could not be listed in full why. `exceeded` holds the caps that it is above, a sentence
    each: then a person is asked before anything is done.
    """

    region: str
    made: datetime
    items: tuple[Item, ...]
    looked: Mapping[str, int] = field(default_factory=Counter)
    ours: Mapping[str, int] = field(default_factory=Counter)
    unseen: Mapping[str, str] = field(default_factory=dict)
    exceeded: tuple[str, ...] = ()

    def of(self, *verdicts: Verdict) -> tuple[Item, ...]:
        """Its items of these verdicts."""
        return tuple(item for item in self.items if item.verdict in verdicts)

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON; see Item.as_json."""
        return {
            "region": self.region,
            "made": self.made.isoformat(),
            "items": [item.as_json() for item in self.items],
            "looked": dict(self.looked),
            "ours": dict(self.ours),
            "unseen": dict(self.unseen),
            "exceeded": list(self.exceeded),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """What `as_json` wrote."""
        return cls(
            document["region"],
            datetime.fromisoformat(document["made"]),
            tuple(Item.from_json(line) for line in document["items"]),
            Counter(document["looked"]),
            Counter(document["ours"]),
            document["unseen"],
            tuple(document["exceeded"]),
        )
