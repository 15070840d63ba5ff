"""What looking at things told, remembered from night to night for as long as their List calls say the same of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frugal.aws import clients
from frugal.cleanup.account import Account
from frugal.cleanup.resource import Facts, Resource

Look = Callable[[Account, Resource], Facts]
STAMP = "stamp"


class Known:
    """Facts by kind and name, each with the stamp that they are good for; a night adds at most `looks` new ones."""

    def __init__(self, facts: dict[str, Any], looks: int) -> None:
        self._before = facts
        self._looks = looks
        self._facts: dict[str, Any] = {}

    def facts(self, account: Account, look: Look, resource: Resource) -> Facts | None:
        """What looking at it tells; None when that would be one look too many. Raises LookupError when it is gone."""
        key, stamp = f"{resource.kind}/{resource.name}", (resource.facts or {}).get(STAMP)
        remembered = self._before.get(key)
        if stamp is None or remembered is None or remembered[STAMP] != stamp:
            if self._looks <= 0:
                return None
            self._looks -= 1
            remembered = {STAMP: stamp, "facts": dict(look(account, resource))}
        if stamp is not None:
            self._facts[key] = remembered
        facts: Facts = remembered["facts"]
        return facts

    @classmethod
    def load(cls, account: Account, looks: int) -> Known:
        """What earlier nights left."""
        return cls(clients.read_json(_place(account)) or {}, looks)

    def save(self, account: Account) -> None:
        """Leave to later nights what this one saw."""
        clients.write_json(_place(account), self._facts)


def _place(account: Account) -> str:
    return f"s3://{account.bucket}/cleanup/known/{account.region}.json"
