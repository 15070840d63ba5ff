"""What can be done about an endpoint short of deleting it: fewer instances, and the end of a shadow test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from frugal.aws.names import unique
from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act
from frugal.cleanup.kinds import scaling
from frugal.cleanup.kinds.endpoint_configs import config_recipe, make_config
from frugal.cleanup.kinds.sagemaker import NotPossible, describe, looked_up, wait
from frugal.cleanup.resource import Resource

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})


def sizes(endpoint: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Weight and instances that each variant is meant to have, as UpdateEndpointWeightsAndCapacities takes them."""
    return [
        {
            "VariantName": variant["VariantName"],
            **({"DesiredWeight": variant["DesiredWeight"]} if "DesiredWeight" in variant else {}),
            **(
                {"DesiredInstanceCount": variant["DesiredInstanceCount"]}
                if variant.get("DesiredInstanceCount")
                else {}
            ),
        }
        for variant in endpoint.get("ProductionVariants", ())
    ]


def resize(account: Account, name: str, wanted: list[dict[str, Any]]) -> list[str]:
    """Bring the variants to these weights and counts, and wait until they have them; lines of what changed."""
    endpoint = looked_up(account, "endpoint", EndpointName=name)
    now = {variant["VariantName"]: variant for variant in sizes(endpoint)}
    changes = [size for size in wanted if size != now.get(size["VariantName"])]
    if not changes:
        return []
    account.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=changes
    )
    _settled(account, name)
    return [
        f"variant {size['VariantName']} of {name} to {size.get('DesiredInstanceCount')} instances"
        for size in changes
    ]


def _fewer(account: Account, resource: Resource) -> Recipe | None:
    """Half of the instances of every variant that has several. Raises NotPossible where autoscaling minds them."""
    found = describe(account, "endpoint", EndpointName=resource.name)
    if found is None:
        return None
    before = sizes(found)
    names = [f"endpoint/{resource.name}/variant/{size['VariantName']}" for size in before]
    if scaling.recipe(account, names)["targets"]:
        raise NotPossible(f"{resource} is scaled by itself: lower the least that it may have")
    after = [
        {**size, "DesiredInstanceCount": math.ceil(size["DesiredInstanceCount"] / 2)}
        for size in before
        if size.get("DesiredInstanceCount", 0) > 1
    ]
    return {"name": resource.name, "before": before, "after": after}


def _without_shadows(account: Account, resource: Resource) -> Recipe | None:
    """The configuration that it has, and the same without shadow variants under a name of its own."""
    found = describe(account, "endpoint", EndpointName=resource.name)
    before = found and config_recipe(account, found["EndpointConfigName"])
    if not before:
        return None
    content = {
        key: value
        for key, value in before.items()
        if key not in ("ShadowProductionVariants", "EndpointConfigName")
    }
    name = unique(resource.name, before["EndpointConfigName"], "without shadows")
    return {
        "name": resource.name,
        "before": before,
        "after": {**content, "EndpointConfigName": name},
    }


def _switch(account: Account, name: str, config: Recipe) -> list[str]:
    """Let the endpoint serve the configuration, at the weights and sizes that its variants have."""
    client, wanted = account.client("sagemaker"), config["EndpointConfigName"]
    lines = make_config(account, config)
    endpoint = _settled(account, name)
    if endpoint["EndpointConfigName"] == wanted:
        return lines
    client.update_endpoint(
        EndpointName=name, EndpointConfigName=wanted, RetainAllVariantProperties=True
    )
    endpoint = _settled(account, name)
    if endpoint["EndpointConfigName"] != wanted:
        raise NotPossible(f"{name} still serves {endpoint['EndpointConfigName']}, not {wanted}")
    return [*lines, f"endpoint {name} serves {wanted}"]


def _settled(account: Account, name: str) -> dict[str, Any]:
    found: dict[str, Any] = wait(
        lambda: looked_up(account, "endpoint", EndpointName=name),
        lambda endpoint: endpoint["EndpointStatus"] not in BUSY,
        f"{name} is being changed",
    )
    return found


SCALE_IN = Act(
    recipe=_fewer,
    do=lambda account, resource, recipe: resize(account, recipe["name"], recipe["after"]),
    undo=lambda account, recipe: resize(account, recipe["name"], recipe["before"]),
    ends=False,
)
END_SHADOW_TEST = Act(
    recipe=_without_shadows,
    do=lambda account, resource, recipe: _switch(account, recipe["name"], recipe["after"]),
    undo=lambda account, recipe: _switch(account, recipe["name"], recipe["before"]),
    ends=False,
)
