"""Real-time endpoints on instances, of CPUs, GPUs or Inferentia chips: always on, one model."""

from __future__ import annotations

from typing import Any

from frugal.aws.run import Inputs
from frugal.serving import parts, rollout
from frugal.serving.container import container
from frugal.serving.names import CANDIDATE, VARIANT
from frugal.spec import ModelSpec


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Model, configuration and endpoint; with a trial, the champion stays and the challenger comes beside it."""
    model = parts.model(spec, inputs, container(spec, inputs))
    captured = parts.capture(spec, inputs)
    champion = inputs.run.champion
    if spec.deploy.trial is None or champion is None:
        main, others = parts.main_variant(spec, inputs, model["ModelName"])
        asked = parts.endpoint(spec, inputs, [model, *others], [main], **captured)
        return asked | rollout.guarded(spec, inputs, asked)
    live = parts.model(spec, inputs, {"ModelPackageName": champion.arn})
    size, others = parts.on_instances(spec, inputs)
    share = spec.deploy.trial.percent / 100
    models = [live, model, *others]
    if spec.deploy.trial.kind == "shadow":
        main = parts.variant(VARIANT, live["ModelName"], size)
        shadow = parts.variant(CANDIDATE, model["ModelName"], size, share)
        shadows = {"ShadowProductionVariants": [shadow]}
        return parts.endpoint(spec, inputs, models, [main], **captured, **shadows)
    split = [
        parts.variant(VARIANT, live["ModelName"], size, 1 - share),
        parts.variant(CANDIDATE, model["ModelName"], size, share),
    ]
    return parts.endpoint(spec, inputs, models, split, **captured)
