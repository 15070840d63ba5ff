"""Endpoints: found with what they serve, deleted with what scales them, brought back from their recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind, Reference
from frugal.cleanup.kinds import components, endpoint_changes, monitoring, scaling
from frugal.cleanup.kinds.endpoint_configs import (
    config_facts,
    config_recipe,
    make_config,
    make_model,
    model_recipe,
    models_of,
)
from frugal.cleanup.kinds.requests import tagged
from frugal.cleanup.kinds.sagemaker import (
    NotPossible,
    call,
    create,
    describe,
    looked_up,
    pages,
    resource_of,
    since,
    tags_of,
    wait,
)
from frugal.cleanup.resource import Facts, Resource

SETTLED = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})
SERVES = "InService"


def _list(account: Account, moment: datetime | None = None) -> Iterator[list[Resource]]:
    found = pages(account, "list_endpoints", "Endpoints", **since("LastModifiedTimeAfter", moment))
    for page in found:
        yield [_resource(account, item) for item in page if item["EndpointStatus"] != "Deleting"]


def _resource(account: Account, item: dict[str, Any]) -> Resource:
    """From a List or a Describe call. What is not settled has no stamp: it is looked at every time."""
    changed, status = item["LastModifiedTime"], item["EndpointStatus"]
    facts = {
        "changed": changed.isoformat(),
        "stamp": changed.timestamp() if status in SETTLED else None,
    }
    return resource_of(account, "endpoint", "Endpoint", item, facts)


def _look(account: Account, resource: Resource) -> Facts:
    """What it serves.

    configs    names of the configurations that it has and that it comes to
    variants   by name, shadows among them: {"count", "instance", "serverless"}; instance is None where AWS chooses
               among pools, or the configuration is gone
    shadows    names of its shadow variants, and since: when the configuration that has them was made
    async      whether requests are put into a queue
    """
    endpoint = looked_up(account, "endpoint", EndpointName=resource.name)
    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    name = endpoint["EndpointConfigName"]
    config = config_facts(account, name) or {"instances": {}, "async": False, "since": None}
    shadows = endpoint.get("ShadowProductionVariants", ())
    return {
        "configs": sorted({name, *filter(None, [pending])}),
        "variants": {
            variant["VariantName"]: {
                "count": variant.get("CurrentInstanceCount", 0),
                "instance": config["instances"].get(variant["VariantName"]),
                "serverless": "CurrentServerlessConfig" in variant,
            }
            for variant in (*endpoint.get("ProductionVariants", ()), *shadows)
        },
        "shadows": [variant["VariantName"] for variant in shadows],
        "since": config["since"],
        "async": "AsyncInferenceConfig" in endpoint or config["async"],
    }


def _needs(resource: Resource) -> list[Reference]:
    return [("endpoint-config", name) for name in (resource.facts or {})["configs"]]


def _monthly(account: Account, resource: Resource) -> float | None:
    """What its instances cost; a serverless variant costs nothing while nobody asks it."""
    total = 0.0
    if resource.facts is None or resource.status != SERVES:
        return None if resource.facts is None else 0.0
    for variant in resource.facts["variants"].values():
        cost = account.monthly(variant["instance"], variant["count"])
        if variant["serverless"]:
            cost = 0.0
        if cost is None:
            return None
        total += cost
    return total


def _again(account: Account, resource: Resource) -> Resource | None:
    found = describe(account, "endpoint", EndpointName=resource.name)
    if found is None or found["EndpointStatus"] == "Deleting":
        return None
    fresh = _resource(account, found)
    facts = {**(fresh.facts or {}), **_look(account, fresh)}
    return replace(fresh, tags=tags_of(account, found["EndpointArn"]), facts=facts)


def _recipe(account: Account, resource: Resource) -> Recipe | None:
    """All that the endpoint stands on and is scaled by. Raises NotPossible when it could not be brought back."""
    found = describe(account, "endpoint", EndpointName=resource.name)
    if found is None:
        return None
    config = config_recipe(account, found["EndpointConfigName"])
    if config is None:
        raise NotPossible(
            f"{resource} serves the configuration {found['EndpointConfigName']}, which is gone: "
            "nothing could bring it back"
        )
    models = [model_recipe(account, name) for name in models_of(config)]
    on_it = components.of_endpoint(account, resource.name)
    resources = [f"endpoint/{resource.name}/variant/{name}" for name in _variants(found)]
    return {
        "models": [model for model in models if model],
        "config": config,
        "endpoint": {
            "EndpointName": resource.name,
            "EndpointConfigName": found["EndpointConfigName"],
            **tagged(tags_of(account, found["EndpointArn"])),
        },
        "sizes": endpoint_changes.sizes(found),
        "monitoring": monitoring.recipes(account, resource.name),
        "components": on_it,
        "scaling": scaling.recipe(account, resources, scaling.alarm_prefix(resource.name)),
    }


def _variants(endpoint: dict[str, Any]) -> list[str]:
    return [variant["VariantName"] for variant in endpoint.get("ProductionVariants", ())]


def _delete(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    """What watches it, what scales it, the inference components on it, then the endpoint itself.

    AWS deletes no endpoint under schedules and components, nor one that is being changed.
    """
    lines = monitoring.take_off(account, recipe["monitoring"])
    lines += scaling.take_off(account, recipe["scaling"])
    for component in recipe["components"]:
        lines += components.delete(account, component)
    components.await_gone(account, recipe["components"])
    if not call(account, "delete_endpoint", EndpointName=resource.name):
        return lines
    return [*lines, f"endpoint {resource.name}"]


def _restore(account: Account, recipe: Recipe) -> list[str]:
    """Whatever is missing, from the models up; it ends when the endpoint serves."""
    request = recipe["endpoint"]
    name = request["EndpointName"]
    lines = [line for model in recipe["models"] for line in make_model(account, model)]
    lines += make_config(account, recipe["config"])
    wait(
        lambda: describe(account, "endpoint", EndpointName=name),
        lambda found: found is None or found["EndpointStatus"] != "Deleting",
        f"{name} is being deleted",
    )
    if create(account, "create_endpoint", request):
        lines.append(f"endpoint {name}")
    endpoint = wait(
        lambda: looked_up(account, "endpoint", EndpointName=name),
        lambda found: found["EndpointStatus"] in SETTLED,
        f"{name} does not come to serve",
    )
    if endpoint["EndpointStatus"] != SERVES:
        why = endpoint.get("FailureReason", "without a reason")
        raise NotPossible(f"endpoint {name} is {endpoint['EndpointStatus']}: {why}")
    for component in recipe["components"]:
        lines += components.make(account, component)
    endpoint_changes.resize(account, name, recipe["sizes"])
    lines += scaling.put_back(account, recipe["scaling"])
    return lines + monitoring.put_back(account, recipe["monitoring"])


KINDS = (
    CleanupKind(
        name="endpoint",
        order=20,
        list=_list,
        changed=_list,
        again=_again,
        acts={
            "delete": Act(_recipe, _delete, _restore),
            "scale-in": endpoint_changes.SCALE_IN,
            "end-shadow-test": endpoint_changes.END_SHADOW_TEST,
        },
        look=_look,
        needs=_needs,
        after=("inference-component",),
        monthly=_monthly,
        tagged_as="sagemaker:endpoint",
    ),
)
