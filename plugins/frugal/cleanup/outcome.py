"""What became of what was to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from frugal.cleanup.plan import Item


class Outcome(StrEnum):
    """What became of an item that was to be acted on."""

    DONE = "done"
    GONE = "gone"  # it went without us
    SPARED = "spared"  # it is no more what it was when the plan was made
    FAILED = "failed"
    RESTORED = "restored"  # it was needed while it went, and was brought back


@dataclass(frozen=True)
class Done:
    """`lines` say what went with it, `recipe` is what `frugal restore` takes."""

    item: Item
    outcome: Outcome
    reason: str
    lines: tuple[str, ...] = ()
    recipe: str | None = None

    def as_json(self) -> dict[str, Any]:
        """{"item": Item.as_json(), "outcome", "reason", "lines", "recipe"}."""
        return {
            "item": self.item.as_json(),
            "outcome": self.outcome.value,
            "reason": self.reason,
            "lines": list(self.lines),
            "recipe": self.recipe,
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Done:
        """What `as_json` wrote."""
        return cls(
            Item.from_json(line["item"]),
            Outcome(line["outcome"]),
            line["reason"],
            tuple(line["lines"]),
            line["recipe"],
        )
