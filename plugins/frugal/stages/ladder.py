"""Which rungs of the capacity ladder training tries: asks what they cost and has them weighed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from frugal.aws import clients, regions, spot
from frugal.aws.run import Inputs, Run
from frugal.cost.prices import PriceTable, price_table
from frugal.jobs.capacity import Demand, Ladder, Quote, Rung, choose
from frugal.jobs.experience import experience
from frugal.spec import ModelSpec

GIB = 2**30
LADDER = "ladder.json"  # below the run: the ladder that was decided, for its report


def ladder(spec: ModelSpec, inputs: Inputs) -> Ladder:
    """The ladder as it is decided now; it is left in the bucket for the run's report.

    What EC2 does not tell, or may not be asked, is unknown, and the ladder's reason says so.
    """
    run, train = inputs.run, spec.train
    rungs = rungs_of(spec, run)
    known = experience(f"{spec.name}-train", {rung.instance: rung.speed for rung in rungs})
    seconds = train.max_run.total_seconds() if known.seconds is None else known.seconds
    market = Market(run, price_table())
    market.ask({rung for rung in rungs if rung.spot})
    places = {rung.region: _place(run, rung.region, market.table) for rung in rungs}
    quotes = [
        Quote(
            hour=market.hour(rung),
            transfer=places[rung.region].transfer,
            score=market.scores.get(rung.region) if rung.spot else None,
            interruptions_per_hour=known.interruptions_per_hour if rung.spot else 0.0,
            refused=places[rung.region].refused,
        )
        for rung in rungs
    ]
    note = "; ".join([known.sentence(seconds), *market.notes])
    demand = Demand(seconds, train.checkpoint_seconds, train.waiting_hour)
    decided = choose(rungs, quotes, demand, train.capacity_order, note)
    clients.write_json(run.own(LADDER), decided.as_json())
    return decided


def rungs_of(spec: ModelSpec, run: Run) -> list[Rung]:
    """The rungs as model.yaml lists them."""
    train = spec.train
    return [
        Rung(
            index=index,
            instance=rung.instance,
            spot=rung.spot,
            region=rung.region or run.region,
            patience=patience.total_seconds() if (patience := train.patience(rung)) else None,
            speed=rung.speed,
        )
        for index, rung in enumerate(train.capacity)
    ]


@dataclass
class Market:
    """Prices and scores of one decision; `notes` says what EC2 did not tell."""

    run: Run
    table: PriceTable
    spot_prices: dict[tuple[str, str], float] = field(default_factory=dict)
    scores: Mapping[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def ask(self, rungs: Collection[Rung]) -> None:
        """Ask EC2 for the spot prices of `rungs`, and for placement scores where it gives any."""
        by_region: dict[str, set[str]] = {}
        for rung in rungs:
            by_region.setdefault(rung.region, set()).add(rung.instance)
        for region, instances in sorted(by_region.items()):
            try:
                found = spot.prices(region, instances)
            except spot.Unavailable as reason:
                self.notes.append(f"spot prices of {region} are unknown: {reason}")
            else:
                self.spot_prices |= {(region, name): price for name, price in found.items()}
        if not by_region:
            return
        instances = {rung.instance for rung in rungs}
        try:
            self.scores = spot.scores(self.run.region, by_region, instances)
        except spot.Unavailable as reason:
            self.notes.append(f"no placement scores: {reason}")

    def hour(self, rung: Rung) -> float | None:
        """USD an hour of the rung; None when unknown."""
        if not rung.spot:
            return self.table.hour(rung.instance, rung.region)
        ec2 = self.spot_prices.get((rung.region, rung.instance))
        return self.table.spot_hour(rung.instance, rung.region, ec2)


@dataclass(frozen=True)
class Place:
    """What it takes to train in a region: USD of transfer, and why it cannot be done."""

    transfer: float | None = 0.0
    refused: str | None = None


def _place(run: Run, region: str, table: PriceTable) -> Place:
    if region == run.region:
        return Place()
    there = regions.elsewhere(run, region)
    if reason := regions.without_bucket(there):
        return Place(refused=reason)
    size = sum(copy.size for copy in regions.inputs_missing(run, there))
    price = table.usage("region_transfer_gb", run.region)
    return Place(transfer=None if price is None else size / GIB * price)
