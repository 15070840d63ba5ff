"""How much one night may do before a person is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from frugal.cleanup.plan import Item
from frugal.spec.section import Section


class Caps(Section):
    """Limits of one night in one region, over all rules. A night above any of them does nothing until it is approved.

    `share` is of everything of ours that was listed. `unpriced` counts what bills at a price that is not known.
    """

    actions: int = Field(100, ge=0)
    dollars: float = Field(5000.0, ge=0)
    share: float = Field(0.2, ge=0, le=1)
    unpriced: int = Field(20, ge=0)

    def exceeded(self, acts: Sequence[Item], ours: int) -> Iterator[str]:
        """Which of the caps doing these would exceed, a sentence each."""
        dollars = sum(item.monthly or 0.0 for item in acts)
        unpriced = sum(item.monthly is None for item in acts)
        if len(acts) > self.actions:
            yield f"{len(acts)} actions, and the cap is {self.actions}"
        if dollars > self.dollars:
            yield f"{dollars:.2f} dollars a month, and the cap is {self.dollars:.2f}"
        if len(acts) > self.share * ours:
            share = len(acts) / ours if ours else 1.0
            yield f"{share:.0%} of what is ours, and the cap is {self.share:.0%}"
        if unpriced > self.unpriced:
            yield f"{unpriced} things at unknown prices, and the cap is {self.unpriced}"
