"""What a sweep set out to do, and what came of it: one document a region, so that an interrupted one is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from frugal.cleanup import recipes, store
from frugal.cleanup.account import Account
from frugal.cleanup.outcome import Done
from frugal.cleanup.plan import Item


class Journal:
    """The journal of the sweep of that name. One that did not end is taken over by the next, whatever its name."""

    def __init__(self, account: Account, sweep: str) -> None:
        self.account = account
        self.sweep = sweep
        self._place = ("journal", f"{account.region}.json")

    def ended(self) -> list[Done] | None:
        """What came of this sweep if it ended already: a task that is tried again then has nothing to do."""
        document = store.read(self.account, *self._place)
        if not document or document["sweep"] != self.sweep or document["ended"] is None:
            return None
        return [Done.from_json(line) for line in document["done"]]

    def begin(self, items: Iterable[Item]) -> tuple[list[Item], str]:
        """Write down what is to be done. Returns that with what an interrupted sweep left, and since when all this
        goes on: what was done after that, was done by it.
        """
        document: dict[str, Any] | None = store.read(self.account, *self._place)
        intended = {recipes.name(item): item for item in items}
        begun = self.account.clock().isoformat()
        if document and document["ended"] is None:
            begun = document["begun"]
            left = (Item.from_json(line) for line in document["items"])
            intended = {recipes.name(item): item for item in left} | intended
        self._write(begun, intended.values(), None, ())
        return list(intended.values()), begun

    def end(self, begun: str, items: Iterable[Item], done: Sequence[Done]) -> None:
        """Write down what came of it."""
        self._write(begun, items, self.account.clock().isoformat(), done)

    def _write(
        self, begun: str, items: Iterable[Item], ended: str | None, done: Sequence[Done]
    ) -> None:
        document = {
            "sweep": self.sweep,
            "begun": begun,
            "ended": ended,
            "items": [item.as_json() for item in items],
            "done": [one.as_json() for one in done],
        }
        store.write(self.account, document, *self._place)
