"""`deploy.strategy: auto` becomes a strategy, from what stands beside model.yaml and the price table alone."""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.cost.prices import price_table
from frugal.cost.sizes import UTILIZATION
from frugal.serving.chooser.choice import cheapest
from frugal.serving.chooser.facts import ModelFacts
from frugal.serving.chooser.question import Question, instances
from frugal.spec import Mistake, ModelSpec, SpecError
from frugal.spec.loader import FILE_NAME

#: Whose autoscaling tracks requests: serving/metrics.py
BY_REQUESTS = ("realtime", "inferentia", "multi-model", "scale-to-zero")
SECONDS_A_MINUTE = 60


def question(spec: ModelSpec, region: str | None = None) -> Question:
    """The question that a model.yaml asks."""
    settings = Settings.load()
    return Question(
        spec=spec,
        facts=ModelFacts.read(settings.models / spec.name),
        prices=price_table(),
        region=region or settings.region,
        instances=instances(settings.include / "prices" / "instances.yaml"),
    )


def resolved(spec: ModelSpec) -> ModelSpec:
    """The spec as it is deployed: `auto` replaced by the cheapest open strategy, and scaled by what was measured.

    Raises SpecError when nothing is open.
    """
    if spec.deploy.strategy == "auto":
        asked = question(spec)
        best = cheapest(asked)
        if best is None:
            problem = (
                f"no form of serving is allowed and has a known price in {asked.region}: "
                f"`frugal choose {spec.name}` says why of each"
            )
            path = Settings.load().models / spec.name / FILE_NAME
            raise SpecError(path, [Mistake(1, "deploy.strategy", problem, "auto")])
        spec = best.applied_to(spec)
    target = _measured_target(spec)
    if target is None:
        return spec
    autoscale = spec.deploy.scaling.model_copy(update={"target": target})  # type: ignore[union-attr]
    return spec.model_copy(
        update={"deploy": spec.deploy.model_copy(update={"autoscale": autoscale})}
    )


def _measured_target(spec: ModelSpec) -> float | None:
    """Requests a minute and instance to scale by, from the load test of the instance type in measured.json; None where
    model.yaml says its own target, nothing scales by requests, or nothing was measured.
    """
    deploy = spec.deploy
    if deploy.scaling is None or deploy.scaling.target or deploy.strategy not in BY_REQUESTS:
        return None
    rate = ModelFacts.read(Settings.load().models / spec.name).throughput.get(str(deploy.host))
    return round(rate * SECONDS_A_MINUTE * UTILIZATION, 1) if rate else None
