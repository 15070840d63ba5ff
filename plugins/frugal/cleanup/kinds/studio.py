"""SageMaker Studio: apps that run, spaces whose volumes stay, domains that do not shut idle apps down.

An app is named <domain>/<space or user profile>/<type>/<app>, a space <domain>/<space>, as in their ARNs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind, Reference
from frugal.cleanup.kinds.requests import creation, tag_list
from frugal.cleanup.kinds.sagemaker import (
    call,
    create,
    describe,
    looked_up,
    pages,
    tags_of,
    wait,
)
from frugal.cleanup.resource import Facts, Resource

OVER = frozenset({"Deleted", "Deleting", "Failed"})
#: Billed by the hour; the app of the older Studio that only shows the interface (JupyterServer) is free.
FREE = frozenset({"JupyterServer"})
IDLE_MINUTES = 60
#: Settings of a domain's users that know an idle timeout (botocore's model).
WITH_IDLE = ("JupyterLabAppSettings", "CodeEditorAppSettings")


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
    tags = tag_list(tags_of(account, found["AppArn"]))
    request: Recipe = creation(
        account.client("sagemaker"), "CreateApp", found, **({"Tags": tags} if tags else {})
    )
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


def _domains(account: Account) -> Iterator[list[Resource]]:
    for page in pages(account, "list_domains", "Domains"):
        yield [_domain(account, item) for item in page]


def _domain(account: Account, item: dict[str, Any]) -> Resource:
    changed = item["LastModifiedTime"]
    return Resource(
        kind="domain",
        name=item["DomainId"],
        region=account.region,
        arn=item["DomainArn"],
        created=item["CreationTime"],
        status=item["Status"],
        facts={"changed": changed.isoformat(), "stamp": changed.timestamp()},
    )


def _look_at_domain(account: Account, resource: Resource) -> Facts:
    """idle_off: the kinds of app that new users' idle apps are not shut down of."""
    found = looked_up(account, "domain", DomainId=resource.name)
    settings = found.get("DefaultUserSettings", {})
    off = [kind for kind in WITH_IDLE if _idle(settings, kind) != "ENABLED"]
    return {"idle_off": [kind.removesuffix("AppSettings") for kind in off]}


def _idle(settings: Mapping[str, Any], kind: str) -> str | None:
    management = settings.get(kind, {}).get("AppLifecycleManagement", {})
    found: str | None = management.get("IdleSettings", {}).get("LifecycleManagement")
    return found


def _domain_again(account: Account, resource: Resource) -> Resource | None:
    found = describe(account, "domain", DomainId=resource.name)
    if found is None:
        return None
    fresh = _domain(account, found)
    facts = {**(fresh.facts or {}), **_look_at_domain(account, fresh)}
    return replace(fresh, tags=tags_of(account, found["DomainArn"]), facts=facts)


def _idle_recipe(account: Account, resource: Resource) -> Recipe | None:
    """The settings of these kinds of app as they are, for what they say besides is kept."""
    found = describe(account, "domain", DomainId=resource.name)
    if found is None:
        return None
    settings = found.get("DefaultUserSettings", {})
    return {
        "domain": resource.name,
        "settings": {kind: settings[kind] for kind in WITH_IDLE if kind in settings},
    }


def _shut_idle_down(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    idle = {"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": IDLE_MINUTES}
    return _set_idle(account, recipe, idle, f"shuts apps down after {IDLE_MINUTES} idle minutes")


def _let_idle_run(account: Account, recipe: Recipe) -> list[str]:
    idle = {"LifecycleManagement": "DISABLED"}
    return _set_idle(account, recipe, idle, "shuts idle apps down as it did before")


def _set_idle(account: Account, recipe: Recipe, idle: Mapping[str, Any], what: str) -> list[str]:
    """Of the kinds of app that had idle shutdown off; one that had it on keeps its own timeout."""
    before = recipe["settings"]
    settings = {}
    for kind in WITH_IDLE:
        if _idle(before, kind) == "ENABLED":
            continue
        own = before.get(kind, {})
        management = own.get("AppLifecycleManagement", {})
        asked = {**management.get("IdleSettings", {}), **idle}
        settings[kind] = {**own, "AppLifecycleManagement": {**management, "IdleSettings": asked}}
    account.client("sagemaker").update_domain(
        DomainId=recipe["domain"], DefaultUserSettings=settings
    )
    return [f"domain {recipe['domain']} {what}"]


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
    CleanupKind(
        name="domain",
        order=83,
        list=_domains,
        again=_domain_again,
        acts={"shut-idle-down": Act(_idle_recipe, _shut_idle_down, _let_idle_run, ends=False)},
        look=_look_at_domain,
        tagged_as="sagemaker:domain",
    ),
)
