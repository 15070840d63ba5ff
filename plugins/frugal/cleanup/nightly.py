"""What the tasks of the DAG clean_up do, in every region; between them go names alone, the plans lie in S3."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from frugal.aws import clients
from frugal.aws.names import run_id
from frugal.aws.settings import Settings
from frugal.cleanup import night, notify, report_parquet, store
from frugal.cleanup.account import Account
from frugal.cleanup.journal import Journal
from frugal.cleanup.plan import Plan, Verdict
from frugal.cleanup.reap import known_specs, regions
from frugal.cleanup.report import Report
from frugal.cleanup.report_text import text
from frugal.cleanup.rules import load_rules

SHOWN = 20
log = logging.getLogger(__name__)

Night = Mapping[str, Any]


def is_dry(given: bool | None) -> bool:
    """Whether the night only says what it would do: as given, else as cleanup.yaml says."""
    return load_rules().dry_run if given is None else given


def plan(dag_run: str, *, dry_run: bool | None = None) -> dict[str, Any]:
    """Plan every region, and keep the plans; {"run", "dry_run", "exceeded", "acts", "items", "unseen"} for people."""
    rules = load_rules()
    found = {"run": run_id(Settings.load().environment, dag_run), "dry_run": is_dry(dry_run)}
    exceeded: list[str] = []
    acts: list[str] = []
    unseen: dict[str, str] = {}
    items = 0
    for account in _accounts():
        made = night.plan(account, rules, remember=True)
        store.write(account, made.as_json(), *_place(account, found))
        exceeded += [f"{account.region}: {cap}" for cap in made.exceeded]
        acts += [f"{item.action} {item.resource}: {item.reason}" for item in made.of(Verdict.ACT)]
        items += len(made.items)
        unseen |= {f"{kind} in {account.region}": why for kind, why in made.unseen.items()}
    more = [f"and {len(acts) - SHOWN} more"] if len(acts) > SHOWN else []
    asked = [] if found["dry_run"] else exceeded
    return {
        **found,
        "exceeded": asked,
        "acts": acts[:SHOWN] + more,
        "items": items,
        "unseen": unseen,
    }


def mark(found: Night) -> dict[str, Any]:
    """Put the plans' marks; {"failed": [...]}: what could not be marked."""
    if found["dry_run"]:
        return {"failed": []}
    return {
        "failed": [line for account, made in _planned(found) for line in night.mark(account, made)]
    }


def sweep(found: Night, *, above_caps: bool) -> dict[str, int]:
    """Act on the plans of every region; how many items ended how."""
    counts: dict[str, int] = {}
    if found["dry_run"]:
        return counts
    rules = load_rules()
    for account, made in _planned(found):
        for one in night.sweep(account, rules, made, found["run"], above_caps=above_caps):
            counts[one.outcome.value] = counts.get(one.outcome.value, 0) + 1
    return counts


def report(found: Night, context: Mapping[str, Any]) -> dict[str, Any]:
    """Log the report, keep it as Parquet beside the ledger, and post it; what came of that."""
    planned = list(_planned(found))
    home = planned[0][0]
    done = [
        one
        for account, _ in planned
        for one in Journal(account, found["run"]).ended() or ()
        if not found["dry_run"]
    ]
    made = Report.of(
        [made for _, made in planned],
        done,
        run=found["run"],
        at=home.clock(),
        environment=home.environment,
        dry_run=found["dry_run"],
        simulated=clients.is_simulated(),
    )
    log.info("%s", text(made))
    return {"kept": report_parquet.write(home, made), "told": notify.post(made, context)}


def _accounts() -> list[Account]:
    return night.accounts(regions(known_specs()))


def _planned(found: Night) -> Iterator[tuple[Account, Plan]]:
    """Each region with its plan, home first; one that a model came to train in since has none."""
    for account in _accounts():
        if document := store.read(account, *_place(account, found)):
            yield account, Plan.from_json(document)


def _place(account: Account, found: Night) -> tuple[str, str]:
    return "plans", f"{found['run']}-{account.region}.json"
