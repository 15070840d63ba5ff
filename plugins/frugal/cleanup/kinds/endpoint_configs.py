"""Endpoint configurations and models: what endpoints are made from. Neither ever changes: one look is enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind, Gone, Reference
from frugal.cleanup.kinds.requests import creation, tagged
from frugal.cleanup.kinds.sagemaker import (
    call,
    create,
    describe,
    looked_up,
    pages,
    resource_of,
    since,
    tags_of,
)
from frugal.cleanup.resource import Facts, Resource

VARIANTS = ("ProductionVariants", "ShadowProductionVariants")


def config_recipe(account: Account, name: str) -> Recipe | None:
    """The request that makes the configuration again; None when it is gone."""
    return _recipe(account, "endpoint_config", "EndpointConfig", name)


def model_recipe(account: Account, name: str) -> Recipe | None:
    """The request that makes the model again; None when it is gone."""
    return _recipe(account, "model", "Model", name)


def _recipe(account: Account, noun: str, member: str, name: str) -> Recipe | None:
    found = describe(account, noun, **{f"{member}Name": name})
    if found is None:
        return None
    tags = tagged(tags_of(account, found[f"{member}Arn"]))
    request: Recipe = creation(account.client("sagemaker"), f"Create{member}", found, **tags)
    return request


def models_of(config: Recipe) -> list[str]:
    """Names of the models that a configuration serves, those of its fallback pools among them."""
    variants = [variant for key in VARIANTS for variant in config.get(key, ())]
    names = {variant["ModelName"] for variant in variants if "ModelName" in variant}
    pools = (pool for variant in variants for pool in variant.get("InstancePools", ()))
    return sorted(
        names | {pool["ModelNameOverride"] for pool in pools if "ModelNameOverride" in pool}
    )


def make_config(account: Account, request: Recipe) -> list[str]:
    """Make it where it is missing; a line if so."""
    made = create(account, "create_endpoint_config", dict(request))
    return [f"endpoint configuration {request['EndpointConfigName']}"] if made else []


def make_model(account: Account, request: Recipe) -> list[str]:
    """Make it where it is missing; a line if so."""
    made = create(account, "create_model", dict(request))
    return [f"model {request['ModelName']}"] if made else []


def _configs(account: Account, moment: datetime | None = None) -> Iterator[list[Resource]]:
    found = pages(
        account, "list_endpoint_configs", "EndpointConfigs", **since("CreationTimeAfter", moment)
    )
    for page in found:
        yield [_resource(account, "endpoint-config", "EndpointConfig", item) for item in page]


def _models(account: Account, moment: datetime | None = None) -> Iterator[list[Resource]]:
    found = pages(account, "list_models", "Models", **since("CreationTimeAfter", moment))
    for page in found:
        yield [_resource(account, "model", "Model", item) for item in page]


def _resource(account: Account, kind: str, member: str, item: dict[str, Any]) -> Resource:
    return resource_of(account, kind, member, item, {"stamp": item["CreationTime"].timestamp()})


def config_facts(account: Account, name: str) -> Facts | None:
    """What a configuration says, asked for once a night; None when it is gone.

    models     names of the models that it serves
    instances  instance types by variant, None where AWS chooses among pools
    async      whether requests are put into a queue
    since      when it was made
    """
    known = account.seen.setdefault("endpoint-config", {})
    if name not in known:
        found = describe(account, "endpoint_config", EndpointConfigName=name)
        known[name] = _facts(found) if found else None
    facts: Facts | None = known[name]
    return facts


def _facts(config: Recipe) -> Facts:
    variants = [variant for key in VARIANTS for variant in config.get(key, ())]
    return {
        "models": models_of(config),
        "instances": {variant["VariantName"]: variant.get("InstanceType") for variant in variants},
        "async": "AsyncInferenceConfig" in config,
        "since": config["CreationTime"].isoformat(),
    }


def _look_at_config(account: Account, resource: Resource) -> Facts:
    """One that was made anew under its name since an endpoint with it was looked at is asked for again."""
    found = config_facts(account, resource.name)
    if found and resource.created and found["since"] != resource.created.isoformat():
        del account.seen["endpoint-config"][resource.name]
        found = config_facts(account, resource.name)
    if found is None:
        raise Gone(f"there is no endpoint configuration {resource.name}")
    return {"models": found["models"]}


def _look_at_model(account: Account, resource: Resource) -> Facts:
    """packages: ARNs of the model packages it is made from."""
    found = looked_up(account, "model", ModelName=resource.name)
    containers = [*found.get("Containers", ()), found.get("PrimaryContainer", {})]
    packages = (container.get("ModelPackageName") for container in containers)
    return {"packages": sorted({*filter(None, packages)})}


def _config_again(account: Account, resource: Resource) -> Resource | None:
    found = describe(account, "endpoint_config", EndpointConfigName=resource.name)
    if found is None:
        return None
    fresh = _resource(account, "endpoint-config", "EndpointConfig", found)
    tags = tags_of(account, found["EndpointConfigArn"])
    return replace(fresh, tags=tags, facts={"models": models_of(found)})


def _model_again(account: Account, resource: Resource) -> Resource | None:
    found = describe(account, "model", ModelName=resource.name)
    if found is None:
        return None
    fresh = _resource(account, "model", "Model", found)
    return replace(fresh, tags=tags_of(account, found["ModelArn"]))


def _delete_config(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    gone = call(account, "delete_endpoint_config", EndpointConfigName=resource.name)
    return [f"endpoint configuration {resource.name}"] if gone else []


def _delete_model(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    gone = call(account, "delete_model", ModelName=resource.name)
    return [f"model {resource.name}"] if gone else []


def _config_needs(resource: Resource) -> list[Reference]:
    return [("model", name) for name in (resource.facts or {}).get("models", ())]


def _model_needs(resource: Resource) -> list[Reference]:
    arns = (resource.facts or {}).get("packages", ())
    return [("model-package", arn.partition("model-package/")[2]) for arn in arns]


def _with_models(account: Account, resource: Resource) -> Recipe | None:
    config = config_recipe(account, resource.name)
    if config is None:
        return None
    models = [model_recipe(account, name) for name in models_of(config)]
    return {"config": config, "models": [model for model in models if model]}


def _restore_config(account: Account, recipe: Recipe) -> list[str]:
    lines = [line for model in recipe["models"] for line in make_model(account, model)]
    return lines + make_config(account, recipe["config"])


KINDS = (
    CleanupKind(
        name="endpoint-config",
        order=30,
        list=_configs,
        changed=_configs,
        again=_config_again,
        acts={"delete": Act(_with_models, _delete_config, _restore_config)},
        look=_look_at_config,
        needs=_config_needs,
        look_tells="model",
        after=("endpoint",),
        tagged_as="sagemaker:endpoint-config",
    ),
    CleanupKind(
        name="model",
        order=40,
        list=_models,
        changed=_models,
        again=_model_again,
        acts={
            "delete": Act(
                lambda account, resource: model_recipe(account, resource.name),
                _delete_model,
                make_model,
            )
        },
        look=_look_at_model,
        needs=_model_needs,
        look_tells="model-package",
        after=("endpoint-config", "inference-component", "transform-job"),
        tagged_as="sagemaker:model",
    ),
)
