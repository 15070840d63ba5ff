"""`deploy.strategy: auto` becomes a strategy, from what stands beside model.yaml and the price table alone."""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.cost.prices import price_table
from frugal.serving.chooser.choice import cheapest
from frugal.serving.chooser.facts import ModelFacts
from frugal.serving.chooser.question import Question, instances
from frugal.spec import Mistake, ModelSpec, SpecError
from frugal.spec.loader import FILE_NAME


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
    """The spec with `auto` replaced by the cheapest open strategy; any other spec as it is.

    Raises SpecError when nothing is open.
    """
    if spec.deploy.strategy != "auto":
        return spec
    asked = question(spec)
    best = cheapest(asked)
    if best is None:
        problem = (
            f"no form of serving is allowed and has a known price in {asked.region}: "
            f"`frugal choose {spec.name}` says why of each"
        )
        path = Settings.load().models / spec.name / FILE_NAME
        raise SpecError(path, [Mistake(1, "deploy.strategy", problem, "auto")])
    return best.applied_to(spec)
