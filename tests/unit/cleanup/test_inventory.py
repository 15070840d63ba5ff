"""What is asked of AWS to know an account: no more than something is judged by, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frugal.cleanup.account import Account
from frugal.cleanup.inventory import Inventory
from frugal.cleanup.kind import CleanupKind, Reference
from frugal.cleanup.known import Known
from frugal.cleanup.resource import Facts, Resource
from frugal.cost.prices import PriceTable
from tests.unit.cleanup.fakes import NOW

USERS = {f"user-{number}": f"thing-{number}" for number in range(3)}


class Aws:
    """Users, which only a look tells the thing of that each needs."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self.refuses = False

    def table(self) -> dict[str, CleanupKind]:
        def needs(resource: Resource) -> list[Reference]:
            facts = resource.facts or {}
            return [("thing", facts["needs"])] if "needs" in facts else []

        shared: dict[str, Any] = {"again": lambda account, resource: resource, "acts": {}}
        kinds = (
            CleanupKind(
                "user", 1, self.users, look=self.look, needs=needs, look_tells="thing", **shared
            ),
            CleanupKind("thing", 2, self.things, after=("user",), **shared),
        )
        return {kind.name: kind for kind in kinds}

    def users(self, account: Account) -> Iterator[list[Resource]]:
        for name in USERS:
            yield [Resource("user", name, "us-east-1", created=NOW, facts={"stamp": 1.0})]

    def things(self, account: Account) -> Iterator[list[Resource]]:
        yield [Resource("thing", "thing-1", "us-east-1", created=NOW)]

    def look(self, account: Account, resource: Resource) -> Facts:
        if self.refuses:
            raise RuntimeError("AccessDenied")
        account.looks["made"] += 1
        self.looks.append(resource.name)
        return {"needs": USERS[resource.name]}


def read(aws: Aws, known: Known) -> Inventory:
    prices = PriceTable("2026-01-01", "USD", {})
    account = Account(
        lambda service, region: None, "us-east-1", "1", "dev", "b", prices, lambda: NOW
    )
    inventory = Inventory(account, ["thing"], aws.table(), known)
    assert [kind.name for kind, _ in inventory.batches()] == ["user", "thing"], "a batch each"
    return inventory


def remembered(known: Known) -> Known:
    """What the next night knows."""
    return Known(known.kept, last=0)


def test_nothing_is_looked_at_before_somebody_asks() -> None:
    aws = Aws()
    inventory = read(aws, Known({}, last=100))
    assert not aws.looks
    assert inventory.exists("user", "user-2")
    assert inventory.users("thing", "thing-1") == {("user", "user-1")}
    assert inventory.users("thing", "unheard-of") == set()
    assert inventory.users("user", "user-1") == set(), "nobody's look tells of users"
    assert inventory.unknown(["user"]) is None
    assert aws.looks == list(USERS), "once each"


def test_what_was_seen_once_is_remembered_through_nights_in_which_nobody_asks() -> None:
    aws, first = Aws(), Known({}, last=100)
    read(aws, first).users("thing", "thing-1")
    second = remembered(first)
    read(aws, second)
    third = remembered(second)
    assert read(aws, third).users("thing", "thing-1") == {("user", "user-1")}
    assert len(aws.looks) == len(USERS)


def test_what_would_be_a_look_too_many_is_not_known() -> None:
    inventory = read(Aws(), Known({}, last=1))
    inventory.users("thing", "thing-1")
    assert inventory.unknown(["user"]) == "user: 2 not looked at tonight"


def test_a_night_in_which_aws_refuses_knows_less_and_forgets_nothing() -> None:
    aws, first = Aws(), Known({}, last=100)
    read(aws, first).users("thing", "thing-1")
    aws.refuses = True
    second = remembered(first)
    inventory = read(aws, second)
    assert inventory.users("thing", "thing-1")
    assert inventory.unknown(["user"]) is None, "all of it is remembered"
    inventory = read(aws, Known({}, last=100))
    assert not inventory.users("thing", "thing-1")
    assert inventory.unknown(["user"]) == "user: could not be read: AccessDenied"
    second.keep_all("user")
    assert second.kept.keys() == first.kept.keys()
