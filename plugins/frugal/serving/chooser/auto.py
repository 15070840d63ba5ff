"""`deploy.strategy: auto` becomes a strategy, from what stands beside model.yaml and the price table alone."""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.cost.prices import price_table
from frugal.serving.chooser.choice import choose
from frugal.serving.chooser.facts import ModelFacts
from frugal.serving.chooser.question import Question, instances
from frugal.spec import ModelSpec


class NothingToChoose(Exception):
    """No strategy is open; the message says what is missing."""


def question(spec: ModelSpec, region: str) -> Question:
    """The question that a model.yaml asks."""
    settings = Settings.load()
    return Question(
        spec=spec,
        facts=ModelFacts.read(settings.models / spec.name),
        prices=price_table(),
        region=region,
        instances=instances(settings.include / "prices" / "instances.yaml"),
    )


def resolved(spec: ModelSpec, region: str) -> ModelSpec:
    """The spec with `auto` replaced by the cheapest open strategy; any other spec as it is.

    Raises NothingToChoose.
    """
    if spec.deploy.strategy != "auto":
        return spec
    best = choose(question(spec, region)).best
    if best is None:
        raise NothingToChoose(
            f"{spec.name}: no form of serving is allowed and has a known price in {region}: "
            f"`frugal choose {spec.name}` says why of each"
        )
    return best.applied_to(spec)
