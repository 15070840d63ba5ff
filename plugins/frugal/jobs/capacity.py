"""The capacity ladder: which rungs a job tries, in which order, and which are left out and why.

Pure: the same rungs, quotes and demand give the same `Ladder`. Who asks AWS for the quotes is not decided here.

A rung's expected cost in USD is what it costs when it runs, and what it costs when it has no capacity, by the odds
of that:

    run      = hours * price an hour * (1 + interruptions an hour * (checkpoint interval / 2 + restart) in hours)
    expected = run + transfer + (transfer + price of waiting for its patience) * (1 - p) / p

Trying rungs by rising `expected` has the lowest expected cost of all orders: swapping two neighbours that rise never
pays, whatever comes after them. p is the chance of capacity. EC2 gives a placement score from 1 to 10 and says only
that 10 is highly likely to succeed; reading it as tenths is ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Order = Literal["as-written", "cheapest"]

TAG = "frugal:rung"
TAG_LENGTH = 256
BEST_SCORE = 10
# Seconds billed again for each interruption: the container starts and downloads once more. Not verified on AWS.
RESTART_SECONDS = 120.0


@dataclass(frozen=True)
class Rung:
    """One way to get capacity. `index` is its place in model.yaml, counted from 0.

    `patience` is how many seconds capacity is waited for before the job has trained at all; None: as long as AWS
    lets it wait. `speed` is how many times as fast as the first rung it trains. `cost` is the expected cost in USD,
    None when a price is unknown. `reason` is one sentence: why it is tried here, or why it is left out.
    """

    index: int
    instance: str
    spot: bool
    region: str
    patience: float | None = None
    speed: float = 1.0
    cost: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.instance} {'spot' if self.spot else 'on-demand'} in {self.region}"

    @property
    def tags(self) -> dict[str, str]:
        """The tag that says on a job which rung it is and why: AWS allows a tag few characters."""
        text = f"{self.index + 1}: {self}: {self.reason}"
        return {TAG: re.sub(r"[^\w\s.:/=+\-@]", " ", text)[:TAG_LENGTH].rstrip()}

    @staticmethod
    def index_in(tags: Mapping[str, str]) -> int | None:
        """The `index` of the rung that a job's tags name; None when they name none."""
        number = tags.get(TAG, "").partition(":")[0]
        return int(number) - 1 if number.isdigit() else None


@dataclass(frozen=True)
class Quote:
    """What is known of a rung when the ladder is ordered. None is unknown, and never counts as free.

    `hour` is USD an hour of one instance, on spot an estimate; `transfer` USD to bring a run's data to the rung's
    region; `score` EC2's placement score from 1 to 10; `refused` why the rung cannot be used.
    """

    hour: float | None = None
    transfer: float | None = 0.0
    score: int | None = None
    interruptions_per_hour: float = 0.0
    refused: str | None = None


@dataclass(frozen=True)
class Demand:
    """What is to be done: seconds of training on the first rung, and what an hour of waiting is worth in USD."""

    seconds: float
    checkpoint_seconds: float
    waiting_hour: float = 0.0


@dataclass(frozen=True)
class Ladder:
    """Rungs in the order in which they are tried, those left out, and how the order came to be."""

    rungs: tuple[Rung, ...]
    left_out: tuple[Rung, ...] = ()
    reason: str = "as written in model.yaml"

    @property
    def first(self) -> Rung:
        """The rung that is tried first."""
        return self.rungs[0]

    def after(self, index: int) -> Rung | None:
        """The rung that is tried when the one of that place in model.yaml has no capacity; None: it was the last."""
        position = [rung.index for rung in self.rungs].index(index) + 1
        return self.rungs[position] if position < len(self.rungs) else None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "reason": self.reason,
            "rungs": [asdict(rung) for rung in self.rungs],
            "left_out": [asdict(rung) for rung in self.left_out],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Ladder:
        """The ladder that `as_json` wrote."""
        return cls(
            rungs=tuple(Rung(**rung) for rung in document["rungs"]),
            left_out=tuple(Rung(**rung) for rung in document["left_out"]),
            reason=document["reason"],
        )


class NoRungLeft(LookupError):
    """Every rung is refused."""


def choose(
    rungs: Sequence[Rung], quotes: Sequence[Quote], demand: Demand, order: Order, note: str = ""
) -> Ladder:
    """The ladder over `rungs`, each with the quote of the same place; `note` ends its reason.

    A spot rung whose expected cost is above that of the cheapest on-demand rung is left out, in either order.
    Ordered by cost, a rung of unknown cost keeps its place and the others are sorted around it; equal costs keep
    the written order. Raises NoRungLeft, with every reason, when all are refused.
    """
    scored = all(quote.score for rung, quote in zip(rungs, quotes, strict=True) if rung.spot)
    left_out, usable = [], []
    for rung, quote in zip(rungs, quotes, strict=True):
        if quote.refused:
            left_out.append(replace(rung, reason=f"not tried: {quote.refused}"))
        else:
            cost, sentence = _expected(rung, quote, demand, scored)
            usable.append(replace(rung, cost=cost, reason=sentence))
    if not usable:
        reasons = "; ".join(f"{rung}: {rung.reason}" for rung in left_out)
        raise NoRungLeft(f"no rung of the capacity ladder can be used: {reasons}")
    limit = min(
        (rung for rung in usable if not rung.spot and rung.cost is not None),
        key=lambda rung: (rung.cost, rung.index),
        default=None,
    )
    tried = []
    for rung in usable:
        if limit is not None and rung.spot and _above(rung.cost, limit.cost):
            above = f"above the {limit.cost:.4f} USD of {limit}"
            left_out.append(replace(rung, reason=f"not tried: {rung.reason}, {above}"))
        else:
            tried.append(rung)
    reason = "as written in model.yaml"
    if order == "cheapest":
        tried = _by_cost(tried)
        reason = "cheapest expected cost first"
    return Ladder(
        rungs=tuple(tried),
        left_out=tuple(sorted(left_out, key=lambda rung: rung.index)),
        reason=f"{reason}; {note}" if note else reason,
    )


def _expected(rung: Rung, quote: Quote, demand: Demand, scored: bool) -> tuple[float | None, str]:
    """Expected cost in USD, None when unknown, and the sentence that holds its numbers."""
    if quote.hour is None:
        kind = "spot price" if rung.spot else "price"
        return None, f"its {kind} is unknown, so it keeps its place in model.yaml"
    if quote.transfer is None:
        return (
            None,
            "the price of the transfer to its region is unknown, so it keeps its place in model.yaml",
        )
    hours = demand.seconds / rung.speed / 3600
    repeated = 0.0
    if rung.spot:
        seconds = demand.checkpoint_seconds / 2 + RESTART_SECONDS
        repeated = quote.interruptions_per_hour * seconds / 3600
    cost = hours * quote.hour * (1 + repeated) + quote.transfer
    about = "about " if rung.spot else ""
    parts = [f"{hours:.2f} h at {about}{quote.hour:.4f} USD"]
    if repeated:
        parts.append(f"{repeated:.1%} more for interruptions")
    if quote.transfer:
        parts.append(f"{quote.transfer:.4f} USD of transfer")
    if rung.spot and scored and quote.score is not None:
        chance = quote.score / BEST_SCORE
        lost = quote.transfer + demand.waiting_hour * (rung.patience or 0.0) / 3600
        cost += lost * (1 - chance) / chance
        parts.append(f"placement score {quote.score} of {BEST_SCORE}")
    return cost, f"expected to cost {cost:.4f} USD ({', '.join(parts)})"


def _above(cost: float | None, limit: float | None) -> bool:
    return cost is not None and limit is not None and cost > limit


def _by_cost(rungs: Sequence[Rung]) -> list[Rung]:
    """Sorted by cost, on-demand after spot where they are equal; rungs of unknown cost stay where they are."""
    known = iter(
        sorted(
            (rung for rung in rungs if rung.cost is not None),
            key=lambda rung: (rung.cost, not rung.spot, rung.index),
        )
    )
    return [rung if rung.cost is None else next(known) for rung in rungs]
