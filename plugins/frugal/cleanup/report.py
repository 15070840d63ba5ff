"""The report of a night: what was found, done and spared, and what it frees and still costs, by owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from frugal.cleanup.outcome import Done, Outcome
from frugal.cleanup.plan import Item, Plan, Verdict

UNKNOWN = "unknown"
DONE, FAILED, SPARED = "done", "failed", "spared"
PROPOSED, MARKED, WAITING, REPORTED = "proposed", "marked", "waiting", "reported"
#: Every state of a row, in the order in which people are told.
STATES = (DONE, FAILED, PROPOSED, MARKED, WAITING, SPARED, REPORTED)
#: What still costs money that it need not.
LEAKING = frozenset({FAILED, PROPOSED, MARKED, WAITING, REPORTED})
OUTCOMES = {
    Outcome.DONE: DONE,
    Outcome.FAILED: FAILED,
    Outcome.SPARED: SPARED,
    Outcome.RESTORED: SPARED,
}
VERDICTS = {
    Verdict.ACT: PROPOSED,
    Verdict.MARK: MARKED,
    Verdict.WAIT: WAITING,
    Verdict.SPARE: SPARED,
    Verdict.REPORT: REPORTED,
}


@dataclass(frozen=True)
class Row:
    """One thing that a rule found. `monthly` are the dollars a month that go, or would go, with it; None: not known.

    state     done; failed; proposed: due, but this was a dry run, or nobody approved; marked tonight, or marked before
              and waiting: its grace lasts until `due`; spared; reported: somebody else's
    recipe    what `frugal restore` takes; None when nothing was done, or nothing can be brought back
    """

    region: str
    kind: str
    name: str
    arn: str | None
    owner: str
    model: str | None
    rule: str
    action: str
    state: str
    reason: str
    due: datetime | None
    monthly: float | None
    recipe: str | None

    @property
    def freed(self) -> bool:
        """Whether its dollars are saved from now on."""
        return self.state == DONE

    @property
    def leaks(self) -> bool:
        """Whether its dollars are spent, and need not be."""
        return self.state in LEAKING


@dataclass
class Money:
    """Dollars a month, and how many things there are besides whose price is not known."""

    usd: float = 0.0
    unpriced: int = 0

    def add(self, monthly: float | None) -> None:
        """One more thing."""
        self.usd += monthly or 0.0
        self.unpriced += monthly is None

    def __str__(self) -> str:
        besides = f" and {self.unpriced} at unknown prices" if self.unpriced else ""
        return f"{self.usd:,.2f}{besides}"


@dataclass
class Totals:
    """Of an owner, or of all: `spared` is what stays because somebody wants it, or because it is in use after all."""

    freed: Money = field(default_factory=Money)
    leaking: Money = field(default_factory=Money)
    spared: Money = field(default_factory=Money)

    def add(self, row: Row) -> None:
        """One more row."""
        money = self.freed if row.freed else self.leaking if row.leaks else self.spared
        money.add(row.monthly)


@dataclass(frozen=True)
class Report:
    """A night's. `looked` counts what there was by kind; `unseen` says which kinds could not be looked at, and why;
    `exceeded` are the caps that the night was above. Figures of a local AWS are `simulated`.
    """

    run: str
    at: datetime
    environment: str
    dry_run: bool
    simulated: bool
    rows: tuple[Row, ...]
    looked: Mapping[str, int]
    unseen: Mapping[str, str]
    exceeded: tuple[str, ...]

    @classmethod
    def of(
        cls,
        plans: Iterable[Plan],
        done: Iterable[Done],
        *,
        run: str,
        at: datetime,
        environment: str,
        dry_run: bool,
        simulated: bool,
    ) -> Report:
        """From the plan of each region and what was done about them; an interrupted night's rest may be among that."""
        plans, looked = list(plans), defaultdict[str, int](int)
        for plan in plans:
            for kind, count in plan.looked.items():
                looked[kind] += count
        items = [item for plan in plans for item in plan.items]
        return cls(
            run=run,
            at=at,
            environment=environment,
            dry_run=dry_run,
            simulated=simulated,
            rows=tuple(_rows(items, list(done))),
            looked=dict(looked),
            unseen={
                f"{kind} in {plan.region}": why
                for plan in plans
                for kind, why in plan.unseen.items()
            },
            exceeded=tuple(f"{plan.region}: {cap}" for plan in plans for cap in plan.exceeded),
        )

    def of_state(self, state: str) -> list[Row]:
        """Its rows of that state, the dearest first; those at unknown prices before them."""
        rows = (row for row in self.rows if row.state == state)
        return sorted(
            rows, key=lambda row: (row.monthly is not None, -(row.monthly or 0), row.name)
        )

    @property
    def totals(self) -> Totals:
        """Over all owners."""
        totals = Totals()
        for row in self.rows:
            totals.add(row)
        return totals

    @property
    def by_owner(self) -> dict[str, Totals]:
        """Of each owner, who leaks most first."""
        found: dict[str, Totals] = defaultdict(Totals)
        for row in self.rows:
            found[row.owner].add(row)
        return dict(sorted(found.items(), key=lambda entry: (-entry[1].leaking.usd, entry[0])))

    def as_json(self) -> dict[str, Any]:
        """{"run", "at", ..., "totals", "owners", "rows"}, times in ISO 8601, dollars a month."""
        return {
            "run": self.run,
            "at": self.at.isoformat(),
            "environment": self.environment,
            "dry_run": self.dry_run,
            "simulated": self.simulated,
            "looked": dict(self.looked),
            "unseen": dict(self.unseen),
            "exceeded": list(self.exceeded),
            "totals": asdict(self.totals),
            "owners": {owner: asdict(totals) for owner, totals in self.by_owner.items()},
            "rows": [{**asdict(row), "due": row.due and row.due.isoformat()} for row in self.rows],
        }


def _rows(items: Sequence[Item], done: Sequence[Done]) -> Iterator[Row]:
    outcomes = {_key(one.item): one for one in done}
    planned = {_key(item) for item in items}
    for item in [*items, *(one.item for one in done if _key(one.item) not in planned)]:
        one = outcomes.get(_key(item))
        if one and one.outcome is Outcome.GONE:
            continue  # somebody else's doing: nothing of it stands, and nothing of it is saved by us
        state = OUTCOMES[one.outcome] if one else VERDICTS[item.verdict]
        yield _row(item, state, one)


def _row(item: Item, state: str, one: Done | None) -> Row:
    resource = item.resource
    return Row(
        region=resource.region,
        kind=resource.kind,
        name=resource.name,
        arn=resource.arn,
        owner=resource.owner or UNKNOWN,
        model=resource.model,
        rule=item.rule,
        action=item.action,
        state=state,
        reason=one.reason if one else item.reason,
        due=item.due,
        monthly=item.monthly,
        recipe=one.recipe if one and state == DONE else None,
    )


def _key(item: Item) -> tuple[str, str]:
    return item.resource.id, item.action
