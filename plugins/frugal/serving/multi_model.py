"""Multi-model endpoints: many models of one container share instances; each is loaded when it is asked for.

    s3://<bucket>/serving/<endpoint>/models/<model>/<run>.tar.gz   what AWS finds by TargetModel
    s3://<bucket>/serving/<endpoint>/current/<model>.json          which of them is live: {"TargetModel": ...}
    s3://<bucket>/serving/<endpoint>/code/                         the one inference.py that serves them all

A version has a name of its own: AWS may go on serving the loaded copy of an object that was overwritten.
"""

from __future__ import annotations

from typing import Any

from frugal.aws.run import Inputs, Run
from frugal.serving import parts
from frugal.serving.container import scripted
from frugal.serving.names import shared_name
from frugal.spec import ModelSpec


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """Model, configuration and endpoint, named by content: a sibling's deployment asks for the same again."""
    published = inputs["publish_model"]
    models = versions(shared_name(spec), inputs.run.bucket)
    container = scripted(spec, inputs, models, source=published["source"])
    caching = spec.deploy.cache_models is not False
    container |= {
        "Mode": "MultiModel",
        "MultiModelConfig": {"ModelCacheSetting": "Enabled" if caching else "Disabled"},
    }
    model = parts.model(spec, inputs, container, lasting=True)
    main, _ = parts.main_variant(spec, inputs, model["ModelName"])
    return parts.endpoint(spec, inputs, [model], [main])


def prefix(endpoint: str, bucket: str) -> str:
    """URI below which everything of the endpoint lies."""
    return f"s3://{bucket}/serving/{endpoint}"


def versions(endpoint: str, bucket: str) -> str:
    """URI prefix of every model's versions: a TargetModel is what follows it."""
    return f"{prefix(endpoint, bucket)}/models/"


def target_model(spec: ModelSpec, run: Run) -> str:
    """TargetModel of the version that this run made."""
    return f"{spec.name}/{run.id}.tar.gz"


def current(model: str, endpoint: str, bucket: str) -> str:
    """URI of the document that says which version of a model is live."""
    return f"{prefix(endpoint, bucket)}/current/{model}.json"
