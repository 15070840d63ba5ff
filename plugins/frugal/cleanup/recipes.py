"""What was done about a thing, and all that bringing it back needs: written before anything is done.

A recipe without the time `done` is that of an interrupted act: it shows the thing as it was before, so that it is
never written anew from a thing that is half gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frugal.cleanup import store
from frugal.cleanup.account import Account
from frugal.cleanup.plan import Item
from frugal.cleanup.resource import Resource

Document = dict[str, Any]


def name(item: Item) -> str:
    """The id by which `frugal restore` finds it."""
    return f"{item.resource.id}-{item.action}"


def load(account: Account, recipe: str) -> Document | None:
    """The recipe of that id; None when there is none."""
    found: Document | None = store.read(account, "recipes", f"{recipe}.json")
    return found


def begin(account: Account, item: Item, current: Resource, recipe: Any) -> Document:
    """Keep the recipe of what is about to be done to the thing as it is now; returns the document."""
    document = {
        "id": name(item),
        "item": item.as_json(),
        "facts": dict(current.facts or {}),
        "begun": account.clock().isoformat(),
        "done": None,
        "lines": [],
        "recipe": recipe,
    }
    _write(account, document)
    return document


def finish(account: Account, document: Document, lines: Sequence[str]) -> None:
    """Say that it was done, and what went."""
    _write(account, {**document, "done": account.clock().isoformat(), "lines": list(lines)})


def restored(account: Account, document: Document) -> None:
    """Say that it was brought back."""
    _write(account, {**document, "restored": account.clock().isoformat()})


def _write(account: Account, document: Document) -> None:
    store.write(account, document, "recipes", f"{document['id']}.json")
