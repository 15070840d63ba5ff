"""What a run can cost at worst, before anything starts."""

from __future__ import annotations

from datetime import timedelta

from frugal.cost.prices import PriceTable
from frugal.spec import ModelSpec


def worst_case(spec: ModelSpec, region: str, prices: PriceTable) -> float | None:
    """Every stage running to its max_run on the dearest rung at on-demand prices; None if one is unknown.

    The endpoint is not part of a run's cost: it bills for as long as it stands.
    """
    stages: list[tuple[str, timedelta]] = [
        (spec.preprocess.instance, spec.preprocess.max_run),
        (spec.evaluate.instance, spec.evaluate.max_run),
        (spec.monitor.instance, spec.monitor.max_run),
    ]
    if spec.compile.backend != "none":
        stages.append((spec.deploy.instance or spec.compile.instance, spec.compile.max_run))
    costs = [prices.cost(run.total_seconds(), instance, region) for instance, run in stages]
    rungs = [
        prices.cost(spec.train.max_run.total_seconds(), rung.instance, region)
        for rung in spec.train.capacity
    ]
    known = [cost for cost in (*costs, *rungs) if cost is not None]
    if len(known) < len(costs) + len(rungs):
        return None
    return sum(known[: len(costs)]) + max(known[len(costs) :])


def over_budget(spec: ModelSpec, region: str, prices: PriceTable) -> str | None:
    """Why the run may not start under budget.run, or None."""
    if spec.budget.run is None:
        return None
    worst = worst_case(spec, region, prices)
    if worst is None:
        return f"budget.run is {spec.budget.run:.2f} USD, but a price that the run needs is unknown in {region}"
    if worst > spec.budget.run:
        return (
            f"the run could cost {worst:.2f} USD at worst, budget.run allows {spec.budget.run:.2f}; "
            "lower a max_run, choose a smaller instance, or raise the budget"
        )
    return None
