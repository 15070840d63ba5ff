"""Serverless endpoints: nothing runs, and nothing bills, while nobody asks."""

from __future__ import annotations

from typing import Any

from frugal.aws.run import Inputs
from frugal.serving import parts
from frugal.serving.container import container
from frugal.serving.names import VARIANT
from frugal.spec import ModelSpec
from frugal.spec.deploy import MEMORY_MB


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Model, configuration and endpoint, with concurrency kept warm if the spec says so."""
    deploy = spec.deploy
    size = {
        "MemorySizeInMB": deploy.memory_mb or MEMORY_MB,
        "MaxConcurrency": deploy.concurrency,
    }
    if deploy.provisioned_concurrency:
        size["ProvisionedConcurrency"] = deploy.provisioned_concurrency
    model = parts.model(spec, inputs, container(spec, inputs))
    variant = parts.variant(VARIANT, model["ModelName"], {"ServerlessConfig": size})
    return parts.endpoint(spec, inputs, [model], [variant])
