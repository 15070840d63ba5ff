"""SageMaker Studio: apps that run, and spaces whose volumes stay.

An app is named <domain>/<space or user profile>/<type>/<app>, a space <domain>/<space>, as in their ARNs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind, Reference
from frugal.cleanup.kinds.requests import creation, tagged
from frugal.cleanup.kinds.sagemaker import (
    call,
    create,
    describe,
    pages,
    tags_of,
    wait,
)
from frugal.cleanup.resource import Resource

OVER = frozenset({"Deleted", "Deleting", "Failed"})
#: Billed by the hour; the app of the older Studio that only shows the interface (JupyterServer) is free.
FREE = frozenset({"JupyterServer"})


def _apps(account: Account) -> Iterator[list[Resource]]:
    for page in pages(account, "list_apps", "Apps"):
        yield [_app(account, item) for item in page if item["Status"] not in OVER]


def _app(account: Account, item: dict[str, Any]) -> Resource:
    holder = item.get("SpaceName") or item.get("UserProfileName")
    name = f"{item['DomainId']}/{holder}/{item['AppType'].lower()}/{item['AppName']}"
    keys = ("DomainId", "SpaceName", "UserProfileName", "AppType", "AppName")
    return Resource(
        kind="app",
        name=name,
        region=account.region,
        arn=account.arn("sagemaker", f"app/{name}"),
        created=item["CreationTime"],
        status=item["Status"],
        facts={
            "names": {key: item[key] for key in keys if item.get(key)},
            "instance": item.get("ResourceSpec", {}).get("InstanceType"),
            "free": item["AppType"] in FREE,
        },
    )


def _app_needs(resource: Resource) -> list[Reference]:
    names = (resource.facts or {})["names"]
    space = names.get("SpaceName")
    return [("space", f"{names['DomainId']}/{space}")] if space else []


def _app_again(account: Account, resource: Resource) -> Resource | None:
    domain, holder, _, name = resource.name.split("/")
    for key in ("SpaceNameEquals", "UserProfileNameEquals"):
        for page in pages(account, "list_apps", "Apps", DomainIdEquals=domain, **{key: holder}):
            for item in page:
                if item["AppName"] == name and item["Status"] not in OVER:
                    found = _app(account, item)
                    if found.name == resource.name:
                        return replace(found, tags=tags_of(account, str(found.arn)))
    return None


def _app_monthly(account: Account, resource: Resource) -> float | None:
    facts = resource.facts or {}
    return 0.0 if facts["free"] else account.monthly(facts["instance"])


def _app_recipe(account: Account, resource: Resource) -> Recipe | None:
    found = describe(account, "app", **(resource.facts or {})["names"])
    if found is None:
        return None
    tags = tagged(tags_of(account, found["AppArn"]))
    request: Recipe = creation(account.client("sagemaker"), "CreateApp", found, **tags)
    return request


def _delete_app(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    """Its space stays, and what is on the volume of that."""
    keys = ("DomainId", "SpaceName", "UserProfileName", "AppType", "AppName")
    names = {key: recipe[key] for key in keys if key in recipe}
    return [f"app {resource.name}"] if call(account, "delete_app", **names) else []


def _restore_app(account: Account, recipe: Recipe) -> list[str]:
    keys = ("DomainId", "SpaceName", "UserProfileName", "AppType", "AppName")
    names = {key: recipe[key] for key in keys if key in recipe}
    wait(
        lambda: describe(account, "app", **names),
        lambda found: found is None or found["Status"] != "Deleting",
        f"app {recipe['AppName']} is being deleted",
    )
    return [f"app {recipe['AppName']}"] if create(account, "create_app", dict(recipe)) else []


def _spaces(account: Account) -> Iterator[list[Resource]]:
    for page in pages(account, "list_spaces", "Spaces"):
        yield [_space(account, item) for item in page]


def _space(account: Account, item: dict[str, Any]) -> Resource:
    name = f"{item['DomainId']}/{item['SpaceName']}"
    storage = item.get("SpaceSettingsSummary", {}).get("SpaceStorageSettings", {})
    return Resource(
        kind="space",
        name=name,
        region=account.region,
        arn=account.arn("sagemaker", f"space/{name}"),
        created=item["CreationTime"],
        status=item["Status"],
        facts={
            "changed": item["LastModifiedTime"].isoformat(),
            "gb": storage.get("EbsStorageSettings", {}).get("EbsVolumeSizeInGb"),
        },
    )


def _space_again(account: Account, resource: Resource) -> Resource | None:
    domain, _, name = resource.name.partition("/")
    found = describe(account, "space", DomainId=domain, SpaceName=name)
    if found is None:
        return None
    return replace(_space(account, found), tags=tags_of(account, str(resource.arn)))


def _space_monthly(account: Account, resource: Resource) -> float | None:
    """Of its volume, which bills whether an app runs on it or not."""
    price = account.prices.usage("studio_volume_gb_month", account.region)
    gb = (resource.facts or {})["gb"]
    return None if price is None or gb is None else price * gb


KINDS = (
    CleanupKind(
        name="app",
        order=81,
        list=_apps,
        again=_app_again,
        acts={"delete": Act(_app_recipe, _delete_app, _restore_app)},
        needs=_app_needs,
        monthly=_app_monthly,
        tagged_as="sagemaker:app",
    ),
    CleanupKind(
        name="space",
        order=82,
        list=_spaces,
        again=_space_again,
        acts={},
        after=("app",),
        monthly=_space_monthly,
        tagged_as="sagemaker:space",
    ),
)
