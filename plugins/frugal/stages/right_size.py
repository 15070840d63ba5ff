"""The jobs of a right-sizing: the champion on another instance type, for a while; a short training on another."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from frugal.aws.names import slug
from frugal.aws.run import Inputs
from frugal.aws.tags import TEMPORARY, as_list
from frugal.serving import parts
from frugal.spec import ModelSpec
from frugal.spec.deploy import Deploy
from frugal.spec.right_size import RightSize
from frugal.spec.train import Rung
from frugal.stages import train
from frugal.stages.common import Stage


def serving_stage(spec: ModelSpec, instance: str) -> Stage:
    """An endpoint of its own for the champion on one instance type."""
    return Stage(
        name=f"serve_on_{_short(instance).replace('-', '_')}",
        kind="endpoint",
        base_name=served_on(spec, instance).name,
        requests=[partial(endpoint_request, spec, instance)],
        upstream=["prepare"],
    )


def training_stage(spec: ModelSpec, sizes: RightSize, instance: str) -> Stage:
    """A training of a few rounds on one instance type."""
    return Stage(
        name=f"train_on_{_short(instance).replace('-', '_')}",
        kind="training",
        base_name=f"{spec.name}-train-on-{_short(instance)}",
        requests=[partial(training_request, spec, sizes, instance)],
        upstream=["prepare"],
    )


def served_on(spec: ModelSpec, instance: str) -> ModelSpec:
    """The model as a real-time endpoint of its own on one `instance`: nothing captured, nothing scaled."""
    deploy = Deploy(
        strategy="realtime",
        instance=instance,
        capture_percent=0,
        traffic=spec.deploy.traffic,
        vpc=spec.deploy.vpc,
        isolated=spec.deploy.isolated,
    )
    name = f"{spec.name}-on-{_short(instance)}"
    return spec.model_copy(update={"name": name, "deploy": deploy})


def endpoint_request(spec: ModelSpec, instance: str, inputs: Inputs) -> dict[str, Any]:
    """An endpoint of the champion's package, tagged so that the reaper removes it if nobody else does.

    Raises LookupError when the model has no champion.
    """
    champion = inputs.run.champion
    if champion is None:
        raise LookupError(f"{spec.name}: no approved model to serve on {instance}")
    candidate = served_on(spec, instance)
    model = parts.model(candidate, inputs, {"ModelPackageName": champion.arn})
    variant, others = parts.main_variant(candidate, inputs, model["ModelName"])
    asked = parts.endpoint(candidate, inputs, [model, *others], [variant])
    endpoint = asked["Endpoint"]
    return {**asked, "Endpoint": {**endpoint, "Tags": [*endpoint["Tags"], *as_list(TEMPORARY)]}}


def training_request(
    spec: ModelSpec, sizes: RightSize, instance: str, inputs: Inputs
) -> dict[str, Any]:
    """CreateTrainingJob on spot with a prefix of its own: candidates do not resume each other's checkpoints."""
    rounds = {"num_round": sizes.rounds, "early_stopping_rounds": sizes.rounds}
    changed = {
        "capacity": (Rung(instance=instance),),
        "max_run": sizes.max_run,
        "max_wait": None,
        "hyperparameters": {**spec.train.hyperparameters, **rounds},
    }
    candidate = spec.model_copy(update={"train": spec.train.model_copy(update=changed)})
    run = replace(inputs.run, id=f"{inputs.run.id}-{_short(instance)}")
    return train.request(candidate, 0, replace(inputs, run=run))


def _short(instance: str) -> str:
    """`m5-large` of ml.m5.large."""
    return slug(instance.removeprefix("ml."))
