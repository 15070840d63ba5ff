"""Inference components: copies of a model on an endpoint that others may share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind, Reference
from frugal.cleanup.kinds import scaling
from frugal.cleanup.kinds.requests import creation, tagged
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

SETTLED = frozenset({"InService", "Failed"})


def of_endpoint(account: Account, endpoint: str) -> list[Recipe]:
    """Recipes of all components on an endpoint. Raises NotPossible when one of them is not ours."""
    found = []
    for page in pages(
        account, "list_inference_components", "InferenceComponents", EndpointNameEquals=endpoint
    ):
        for item in page:
            name, tags = (
                item["InferenceComponentName"],
                tags_of(account, item["InferenceComponentArn"]),
            )
            if not replace(_resource(account, item), tags=tags).ours(account.environment):
                raise NotPossible(f"inference component {name} on {endpoint} is not ours")
            if recipe := _recipe(account, _resource(account, item)):
                found.append(recipe)
    return found


def delete(account: Account, recipe: Recipe) -> list[str]:
    """What scales it, then the component."""
    name = recipe["component"]["InferenceComponentName"]
    lines = scaling.take_off(account, recipe["scaling"])
    gone = call(account, "delete_inference_component", InferenceComponentName=name)
    return lines + ([f"inference component {name}"] if gone else [])


def await_gone(account: Account, recipes: Sequence[Recipe]) -> None:
    """Until AWS has let go of all of them."""
    for recipe in recipes:
        name = recipe["component"]["InferenceComponentName"]
        wait(
            lambda name=name: describe(  # type: ignore[misc]
                account, "inference_component", InferenceComponentName=name
            ),
            lambda found: found is None,
            f"inference component {name} is being deleted",
        )


def make(account: Account, recipe: Recipe) -> list[str]:
    """Make it where it is missing, and scale it again; it ends when the component serves."""
    name = recipe["component"]["InferenceComponentName"]
    made = create(account, "create_inference_component", recipe["component"])
    found = wait(
        lambda: looked_up(account, "inference_component", InferenceComponentName=name),
        lambda found: found["InferenceComponentStatus"] in SETTLED,
        f"{name} does not come to serve",
    )
    if found["InferenceComponentStatus"] == "Failed":
        raise NotPossible(f"inference component {name} failed: {found.get('FailureReason')}")
    lines = [f"inference component {name}"] if made else []
    return lines + scaling.put_back(account, recipe["scaling"])


def _list(account: Account, moment: datetime | None = None) -> Iterator[list[Resource]]:
    for page in pages(
        account,
        "list_inference_components",
        "InferenceComponents",
        **since("LastModifiedTimeAfter", moment),
    ):
        yield [
            _resource(account, item)
            for item in page
            if item["InferenceComponentStatus"] != "Deleting"
        ]


def _resource(account: Account, item: dict[str, Any]) -> Resource:
    changed, status = item["LastModifiedTime"], item["InferenceComponentStatus"]
    facts = {
        "changed": changed.isoformat(),
        "stamp": changed.timestamp() if status in SETTLED else None,
        "endpoint": item["EndpointName"],
    }
    return resource_of(account, "inference-component", "InferenceComponent", item, facts)


def _look(account: Account, resource: Resource) -> Facts:
    found = looked_up(account, "inference_component", InferenceComponentName=resource.name)
    specifications = [found.get("Specification", {}), *found.get("Specifications", ())]
    return {"models": sorted({item["ModelName"] for item in specifications if "ModelName" in item})}


def _needs(resource: Resource) -> list[Reference]:
    facts = resource.facts or {}
    return [("endpoint", facts["endpoint"]), *(("model", name) for name in facts.get("models", ()))]


def _again(account: Account, resource: Resource) -> Resource | None:
    found = describe(account, "inference_component", InferenceComponentName=resource.name)
    if found is None or found["InferenceComponentStatus"] == "Deleting":
        return None
    fresh = _resource(account, found)
    return replace(fresh, tags=tags_of(account, found["InferenceComponentArn"]))


def _recipe(account: Account, resource: Resource) -> Recipe | None:
    found = describe(account, "inference_component", InferenceComponentName=resource.name)
    if found is None:
        return None
    request = creation(
        account.client("sagemaker"),
        "CreateInferenceComponent",
        {
            **found,
            **{key: _specification(found[key]) for key in ("Specification",) if key in found},
        },
        **tagged(tags_of(account, found["InferenceComponentArn"])),
    )
    if count := found.get("RuntimeConfig", {}).get("DesiredCopyCount"):
        request["RuntimeConfig"] = {"CopyCount": count}
    else:
        request.pop("RuntimeConfig", None)
    resource_id = f"inference-component/{resource.name}"
    return {"component": request, "scaling": scaling.recipe(account, [resource_id])}


def _specification(found: dict[str, Any]) -> dict[str, Any]:
    """As Create takes it: the image that was asked for, not the one that it was resolved to."""
    container = found.get("Container")
    if not container:
        return found
    image = container.get("DeployedImage", {}).get("SpecifiedImage")
    return {**found, "Container": {**container, **({"Image": image} if image else {})}}


def _delete(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    return delete(account, recipe)


KINDS = (
    CleanupKind(
        name="inference-component",
        order=10,
        list=_list,
        changed=_list,
        again=_again,
        acts={"delete": Act(_recipe, _delete, make)},
        look=_look,
        needs=_needs,
        look_tells="model",
        tagged_as="sagemaker:inference-component",
    ),
)
