"""What a run can cost at worst, stage by stage, before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from frugal.cost.prices import PriceTable
from frugal.spec import ModelSpec
from frugal.spec.deploy import CHECKED_WITHIN
from frugal.spec.train import Rung


@dataclass(frozen=True)
class StagePlan:
    """A stage at its own limit: `worst` is `max_run` on `instance` at on-demand prices, None when unknown."""

    stage: str
    instance: str
    max_run: timedelta
    worst: float | None


def run_plan(spec: ModelSpec, region: str, prices: PriceTable) -> list[StagePlan]:
    """Every stage that bills, in the pipeline's order; training on its dearest rung.

    A dataset that is prepared already costs nothing; spot costs less than this, never more.
    """
    rung = _dearest(spec, region, prices)
    stages: list[tuple[str, str, timedelta, str, int]] = [
        ("preprocess", spec.preprocess.instance, spec.preprocess.max_run, region, 1),
        ("train", rung.instance, spec.train.max_run, rung.region or region, 1),
        ("evaluate", spec.evaluate.instance, spec.evaluate.max_run, region, 1),
        *_compilation(spec, region),
        *_batch_check(spec, region),
        ("baseline", spec.monitor.instance, spec.monitor.max_run, region, 1),
    ]
    return [
        StagePlan(
            stage, instance, limit, prices.cost(limit.total_seconds(), instance, where, instances)
        )
        for stage, instance, limit, where, instances in stages
    ]


def worst_case(stages: Iterable[StagePlan]) -> float | None:
    """Every stage running to its limit; None when the price of one is unknown.

    The endpoint is not part of a run's cost: it bills for as long as it stands.
    """
    costs = [stage.worst for stage in stages]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def over_budget(spec: ModelSpec, region: str, prices: PriceTable) -> str | None:
    """Why the run may not start under budget.run, or None."""
    if spec.budget.run is None:
        return None
    worst = worst_case(run_plan(spec, region, prices))
    if worst is None:
        return f"budget.run is {spec.budget.run:.2f} USD, but a price that the run needs is unknown in {region}"
    if worst > spec.budget.run:
        return (
            f"the run could cost {worst:.2f} USD at worst, budget.run allows {spec.budget.run:.2f}; "
            "lower a max_run, choose a smaller instance, or raise the budget"
        )
    return None


def _compilation(spec: ModelSpec, region: str) -> Iterator[tuple[str, str, timedelta, str, int]]:
    """The compile backend's jobs that bill: Neo's own is free, its check runs on the host's type."""
    if spec.compile.backend == "onnx":
        yield "compile", spec.compile.instance, spec.compile.max_run, region, 1
    if spec.compile.backend == "neo":
        host = spec.deploy.instance or spec.compile.instance
        yield "check_compiled", host, spec.compile.max_run, region, 1


def _batch_check(spec: ModelSpec, region: str) -> Iterator[tuple[str, str, timedelta, str, int]]:
    """The transform job that a model which is served in batch is checked by."""
    if spec.deploy.strategy == "batch":
        instances = spec.deploy.instances or 1
        yield "deploy", str(spec.deploy.host), CHECKED_WITHIN, region, instances


def _dearest(spec: ModelSpec, region: str, prices: PriceTable) -> Rung:
    """The rung whose instance costs most; one of unknown price before all."""

    def price(rung: Rung) -> tuple[bool, float]:
        hour = prices.hour(rung.instance, rung.region or region)
        return hour is None, hour or 0.0

    return max(spec.train.capacity, key=price)
