"""The doors of cleaning up: where the DAG, the command and tests come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from frugal.aws import clients
from frugal.aws.settings import Settings
from frugal.cleanup.account import Account, Connect
from frugal.cleanup.inventory import Inventory
from frugal.cleanup.kinds import KINDS
from frugal.cleanup.known import Known
from frugal.cleanup.plan import Plan
from frugal.cleanup.planning import make_plan
from frugal.cleanup.rules import Rules
from frugal.cost.prices import price_table


def here(
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    connect: Connect = clients.client,
) -> Account:
    """The account and region of Airflow's connection."""
    settings = Settings.load()
    region = connect("sagemaker", None).meta.region_name
    number = connect("sts", None).get_caller_identity()["Account"]
    bucket = settings.bucket or f"frugal-{number}-{region}"
    return Account(connect, region, settings.environment, bucket, price_table(), clock)


def plan(account: Account, rules: Rules) -> Plan:
    """What a night would do now. It changes nothing, and keeps nothing."""
    made, _ = _planned(account, rules)
    return made


def _planned(account: Account, rules: Rules) -> tuple[Plan, Known]:
    known = Known.load(account, rules.look_at_most)
    kinds = {rule.kind for rule in rules.rules.values()}
    inventory = Inventory(account, kinds, KINDS, known)
    made = make_plan(
        inventory.batches(),
        rules,
        inventory,
        region=account.region,
        environment=account.environment,
        monthly=lambda kind, resource: kind.monthly(account, resource),
    )
    return replace(made, unseen=inventory.unseen), known
