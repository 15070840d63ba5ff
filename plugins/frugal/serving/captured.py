"""Who captures traffic: AWS's data capture, or the model's own handlers (container/capture.py)."""

from __future__ import annotations

import json

from frugal.aws.run import Run
from frugal.serving.names import VARIANT, endpoint_name
from frugal.spec import ModelSpec

#: AWS captures nothing here.
WITHOUT_AWS = ("serverless", "async", "scale-to-zero")


def by_handler(spec: ModelSpec) -> bool:
    """Whether the handlers do: where AWS does not and somebody reads it, and where columns are to be hidden.

    Handlers of a multi-model endpoint do not learn which of its models they serve, and capture nothing.
    """
    if spec.deploy.strategy == "multi-model":
        return False
    watched = spec.monitor.schedule is not None and spec.deploy.strategy in WITHOUT_AWS
    return bool(spec.monitor.pii) or watched


def environment(spec: ModelSpec, run: Run) -> dict[str, str]:
    """What container/capture.py reads; nothing when AWS captures."""
    if not by_handler(spec):
        return {}
    places = {name: (spec.features.index(name), how) for name, how in spec.monitor.pii.items()}
    return {
        "FRUGAL_CAPTURE_TO": run.s3("capture", endpoint_name(spec), VARIANT),
        "FRUGAL_CAPTURE_PERCENT": f"{spec.monitor.capture_percent:g}",
        "FRUGAL_CAPTURE_PII": json.dumps(places),
    }
