"""Endpoints: found with what they serve, deleted with what scales them, brought back from their recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind, Reference
from frugal.cleanup.kinds.sagemaker import describe, pages, tags_of
from frugal.cleanup.resource import Facts, Resource

SETTLED = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})


def _list(account: Account) -> Iterator[list[Resource]]:
    for page in pages(account, "list_endpoints", "Endpoints"):
        yield [_resource(account, item) for item in page if item["EndpointStatus"] != "Deleting"]


def _resource(account: Account, item: dict[str, Any]) -> Resource:
    """From a List or a Describe call. What is not settled has no stamp: it is looked at every time."""
    changed, status = item["LastModifiedTime"], item["EndpointStatus"]
    return Resource(
        kind="endpoint",
        name=item["EndpointName"],
        region=account.region,
        arn=item["EndpointArn"],
        created=item["CreationTime"],
        status=status,
        facts={"changed": changed, "stamp": changed.isoformat() if status in SETTLED else None},
    )


def _look(account: Account, resource: Resource) -> Facts:
    """config, the names of the configurations that it has and comes to, and what stands in the one that it has."""
    endpoint = describe(account, "endpoint", EndpointName=resource.name)
    if endpoint is None:
        raise LookupError(resource.name)
    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    name = endpoint["EndpointConfigName"]
    config = describe(account, "endpoint_config", EndpointConfigName=name)
    counts = {
        variant["VariantName"]: variant.get("CurrentInstanceCount", 0)
        for variant in endpoint.get("ProductionVariants", [])
    }
    return {
        "configs": sorted({name, *filter(None, [pending])}),
        "variants": counts,
        "instances": {
            variant["VariantName"]: variant.get("InstanceType")
            for variant in (config or {}).get("ProductionVariants", [])
        },
        "async": "AsyncInferenceConfig" in endpoint or "AsyncInferenceConfig" in (config or {}),
    }


def _needs(resource: Resource) -> list[Reference]:
    return [("endpoint-config", name) for name in (resource.facts or {})["configs"]]


def _monthly(account: Account, resource: Resource) -> float | None:
    facts = resource.facts or {}
    total = 0.0
    for variant, count in facts.get("variants", {}).items():
        cost = account.monthly(facts["instances"].get(variant), count)
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
    return Resource(
        "endpoint",
        fresh.name,
        fresh.region,
        fresh.arn,
        fresh.created,
        fresh.status,
        tags_of(account, found["EndpointArn"]),
        facts,
    )


def _recipe(account: Account, resource: Resource) -> Recipe | None:
    return None


def _delete(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    account.client("sagemaker").delete_endpoint(EndpointName=resource.name)
    return [f"endpoint {resource.name}"]


KINDS = (
    CleanupKind(
        name="endpoint",
        order=20,
        list=_list,
        again=_again,
        acts={"delete": Act(_recipe, _delete)},
        look=_look,
        needs=_needs,
        monthly=_monthly,
        tagged_as="sagemaker:endpoint",
    ),
)
