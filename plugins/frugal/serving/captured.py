"""Who captures traffic: AWS's data capture, or the model's own handlers (container/capture.py)."""

from __future__ import annotations

import json

from frugal.aws import clients
from frugal.aws.run import Run
from frugal.serving.names import VARIANT, endpoint_name
from frugal.spec import ModelSpec
from frugal.spec.monitor_rules import BY_HANDLER


def by_handler(spec: ModelSpec) -> bool:
    """Whether the handlers do: where AWS does not and somebody reads it, and where columns are to be hidden."""
    watched = spec.monitor.schedule is not None and spec.deploy.strategy in BY_HANDLER
    return bool(spec.monitor.pii) or watched


def environment(spec: ModelSpec, run: Run) -> dict[str, str]:
    """What container/capture.py reads; nothing when AWS captures.

    Models of a multi-model endpoint share their environment: it says where each one's settings are.
    """
    if spec.deploy.strategy == "multi-model":
        folder = settings_uri(spec.name, endpoint_name(spec), run.bucket).rpartition("/")[0]
        return {"FRUGAL_CAPTURE_MODELS": folder}
    return settings(spec, run)


def settings(spec: ModelSpec, run: Run) -> dict[str, str]:
    """Where to, how much, and without which columns; nothing when the handlers do not capture."""
    if not by_handler(spec):
        return {}
    places = {name: (spec.features.index(name), how) for name, how in spec.monitor.pii.items()}
    return {
        "FRUGAL_CAPTURE_TO": run.s3("capture", endpoint_name(spec), VARIANT),
        "FRUGAL_CAPTURE_PERCENT": f"{spec.monitor.capture_percent:g}",
        "FRUGAL_CAPTURE_PII": json.dumps(places),
    }


def settings_uri(model: str, endpoint: str, bucket: str) -> str:
    """Where the handlers of a multi-model endpoint find a model's settings."""
    return f"s3://{bucket}/serving/{endpoint}/capture/{model}.json"


def tell_handlers(spec: ModelSpec, run: Run) -> None:
    """Leave a model's settings for the handlers of its multi-model endpoint, which read them every few minutes."""
    uri = settings_uri(spec.name, endpoint_name(spec), run.bucket)
    clients.write_json(uri, settings(spec, run))
