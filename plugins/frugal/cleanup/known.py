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
    makes no further one from.
    """

    def __init__(self, facts: dict[str, Any], last: float) -> None:
        self._before = facts
        self._last = last
        self._facts: dict[str, Any] = {}

    def facts(
        self, account: Account, look: Look, resource: Resource, *, insist: bool = False
    ) -> Facts | None:
        """What looking at it tells; None when that would be one look too many, unless it `insist`s. Raises Gone when it
        is.
        """
        key, stamp = f"{resource.kind}/{resource.name}", (resource.facts or {}).get(STAMP)
        remembered = self._before.get(key)
        if stamp is None or remembered is None or remembered[STAMP] != stamp:
            if account.looks["made"] >= self._last and not insist:
                return None
            remembered = {STAMP: stamp, "facts": dict(look(account, resource))}
        if stamp is not None:
            self._facts[key] = remembered
        facts: Facts = remembered["facts"]
        return facts

    @classmethod
    def load(cls, account: Account, looks: int) -> Known:
        """What earlier nights left, for a night of at most so many looks more."""
        last = account.looks["made"] + looks
        return cls(store.read(account, "known", f"{account.region}.json") or {}, last)

    def save(self, account: Account) -> None:
        """Leave to later nights what this one saw."""
        store.write(account, self._facts, "known", f"{account.region}.json")
