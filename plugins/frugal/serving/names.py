"""What things of an endpoint are called: each name says whose it is, so that all of it can be found and removed."""

from __future__ import annotations

from frugal.aws.names import slug
from frugal.spec import ModelSpec

VARIANT = "main"
CANDIDATE = "candidate"
SHARED_LENGTH = 32
SCALING, COMPONENT = "scaling", "component"


def endpoint_name(spec: ModelSpec) -> str:
    """The endpoint that serves the model: its own, or the one that multi-model siblings share."""
    if spec.deploy.strategy == "multi-model":
        return shared_name(spec)
    return spec.deploy.endpoint or spec.name


def served_by(spec: ModelSpec) -> list[str]:
    """Names of the endpoints that the spec asks for: one, or none in batch."""
    return [] if spec.deploy.strategy == "batch" else [endpoint_name(spec)]


def shared_name(spec: ModelSpec) -> str:
    """The endpoint that the model shares with its siblings when it is served as multi-model."""
    return spec.deploy.endpoint or f"{slug(spec.owner.team).lower()[:SHARED_LENGTH]}-models"


def component_name(spec: ModelSpec) -> str:
    """The inference component that holds the model's copies."""
    return component_on(endpoint_name(spec))


def component_on(endpoint: str) -> str:
    """The one inference component of an endpoint of ours."""
    return f"{endpoint}-model"


def alarm_prefix(endpoint: str) -> str:
    """What the names of all alarms of an endpoint start with; the slash keeps `a` and `a-b` apart.

    What follows is `SCALING`, `COMPONENT` or the name of an endpoint configuration, and a slash.
    """
    return f"frugal/{endpoint}/"
