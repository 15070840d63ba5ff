"""The doors of cleaning up: where the DAG, the command and tests come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from frugal.aws import clients
from frugal.aws.settings import Settings
from frugal.cleanup import marks, recipes, store
from frugal.cleanup.account import Account, Connect
from frugal.cleanup.inventory import Inventory
from frugal.cleanup.journal import Journal
from frugal.cleanup.kind import Irreversible
from frugal.cleanup.kinds import KINDS
from frugal.cleanup.known import Known
from frugal.cleanup.outcome import Done, Outcome
from frugal.cleanup.plan import Item, Plan, Verdict
from frugal.cleanup.planning import make_plan
from frugal.cleanup.rules import Rules
from frugal.cleanup.sweep import Sweep
from frugal.cost.prices import price_table


def utc_now() -> datetime:
    """The time that a night goes by."""
    return datetime.now(UTC)


def here(clock: Callable[[], datetime] = utc_now, connect: Connect = clients.paced) -> Account:
    """The account in the region of Airflow's connection."""
    return accounts({}, clock, connect)[0]


def accounts(
    regions: Iterable[str],
    clock: Callable[[], datetime] = utc_now,
    connect: Connect = clients.paced,
) -> list[Account]:
    """The account in the region of Airflow's connection, and in those of the others where there is a bucket of ours."""
    settings = Settings.load()
    home = connect("sagemaker", None).meta.region_name
    number = connect("sts", None).get_caller_identity()["Account"]
    buckets = {home: settings.bucket or f"frugal-{number}-{home}"}
    for region in sorted(set(regions) - {home}):
        bucket = settings.bucket_in(region, number)
        if store.is_there(connect("s3", region), bucket):
            buckets[region] = bucket
    return [
        Account(connect, region, number, settings.environment, bucket, price_table(), clock)
        for region, bucket in buckets.items()
    ]


def plan(account: Account, rules: Rules, *, remember: bool = False) -> Plan:
    """What a night would do now. It changes nothing, and keeps nothing but what it saw, for the next night to
    `remember`.
    """
    made, _, known = _read(account, rules)
    if remember:
        known.save(account)
    return made


def mark(account: Account, made: Plan) -> list[str]:
    """Put the marks of a plan, and take off those of what it spares. Returns what could not be marked, and why."""
    return marks.put(account, made.items, KINDS)


def sweep(
    account: Account, rules: Rules, approved: Plan, name: str, *, above_caps: bool = False
) -> list[Done]:
    """Act on what `approved` says is to be acted on and what still is: everything is looked at again first.

    `name` is that of the sweep: one that was interrupted, or ended, goes on or stays so under the same name. Nothing
    is done when either plan is above a cap, unless a person said so: `above_caps`.
    """
    journal = Journal(account, name)
    if (ended := journal.ended()) is not None:
        return ended
    made, inventory, known = _read(account, rules)
    found = {recipes.name(item): item for item in made.items}
    meant = approved.of(Verdict.ACT)
    acts = [item for name in map(recipes.name, meant) if (item := found.get(name)) and _due(item)]
    spared = [_spared(item, found.get(recipes.name(item))) for item in meant]
    ours = sum(made.ours.values())
    if (approved.exceeded or any(rules.caps.exceeded(acts, ours))) and not above_caps:
        acts = []
    done = Sweep(account, rules, KINDS, inventory).run(journal, acts, filter(None, spared))
    known.save(account)
    return done


def _due(item: Item) -> bool:
    return item.verdict is Verdict.ACT


def _spared(item: Item, now: Item | None) -> Done | None:
    """What became of an item that was due in the plan and is not any more; None when it still is."""
    if now is None:
        return Done(item, Outcome.SPARED, "no rule finds it any more")
    return None if _due(now) else Done(item, Outcome.SPARED, now.reason)


def restore(account: Account, recipe: str) -> list[str]:
    """Bring back what a recipe is of; returns what was made, a line each. What stands already is left as it is.

    Raises LookupError when there is no such recipe, Irreversible when AWS has no way back.
    """
    document = recipes.load(account, recipe)
    if document is None:
        raise LookupError(f"there is no recipe {recipe}")
    item = document["item"]
    undo = KINDS[item["kind"]].acts[item["action"]].undo
    if undo is None:
        raise Irreversible(f"AWS has no way to take back {item['action']} of {item['kind']}")
    lines = undo(account, document["recipe"])
    recipes.restored(account, document)
    return lines


def _read(account: Account, rules: Rules) -> tuple[Plan, Inventory, Known]:
    account.seen.clear()
    known = Known.load(account, rules.look_at_most)
    inventory = Inventory(account, {rule.kind for rule in rules.rules.values()}, KINDS, known)
    made = make_plan(
        inventory.batches(),
        rules,
        inventory,
        region=account.region,
        environment=account.environment,
        monthly=lambda kind, resource: kind.monthly(account, resource),
        marks=marks.load(account),
    )
    return replace(made, unseen=dict(inventory.unseen)), inventory, known
