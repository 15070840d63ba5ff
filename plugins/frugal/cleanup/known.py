"""What looking at things told, remembered from night to night for as long as their List calls say the same of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frugal.cleanup import store
from frugal.cleanup.account import Account
from frugal.cleanup.resource import Facts, Resource

Look = Callable[[Account, Resource], Facts]
STAMP = "stamp"


class Known:
    """Facts by kind and name, each with the stamp that they are good for. `last` is the count of looks that the account
    makes no further one from; `kept` is what the next night shall know.
    """

    def __init__(self, facts: dict[str, Any], last: float) -> None:
        self._before = facts
        self._last = last
        self.kept: dict[str, Any] = {}

    def facts(
        self, account: Account, look: Look, resource: Resource, *, insist: bool = False
    ) -> Facts | None:
        """What looking at it tells; None when that would be one look too many, unless it `insist`s. Raises Gone when it
        is.
        """
        remembered = self._remembered(resource)
        if remembered is None:
            if account.looks["made"] >= self._last and not insist:
                return None
            remembered = {STAMP: _stamp(resource), "facts": dict(look(account, resource))}
        if remembered[STAMP] is not None:
            self.kept[_key(resource)] = remembered
        facts: Facts = remembered["facts"]
        return facts

    def keep(self, resource: Resource) -> None:
        """Go on remembering what is known of a thing, without a look."""
        if remembered := self._remembered(resource):
            self.kept[_key(resource)] = remembered

    def keep_all(self, kind: str) -> None:
        """Go on remembering what is known of a kind, of which nobody can say what is still there."""
        before = {key: facts for key, facts in self._before.items() if key.startswith(f"{kind}/")}
        self.kept = before | self.kept

    def _remembered(self, resource: Resource) -> Any:
        found, stamp = self._before.get(_key(resource)), _stamp(resource)
        return found if found and stamp is not None and found[STAMP] == stamp else None

    @classmethod
    def load(cls, account: Account, looks: int) -> Known:
        """What earlier nights left, for a night of at most so many looks more."""
        last = account.looks["made"] + looks
        return cls(store.read(account, "known", f"{account.region}.json") or {}, last)

    def save(self, account: Account) -> None:
        """Leave to later nights what this one saw."""
        store.write(account, self.kept, "known", f"{account.region}.json")


def _key(resource: Resource) -> str:
    return f"{resource.kind}/{resource.name}"


def _stamp(resource: Resource) -> Any:
    return (resource.facts or {}).get(STAMP)
