"""Studio domains that let idle apps run on, and the setting that ends that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind
from frugal.cleanup.kinds.sagemaker import describe, looked_up, pages, tags_of
from frugal.cleanup.resource import Facts, Resource

IDLE_MINUTES = 60
#: Settings of a domain's users that know an idle timeout (botocore's model).
WITH_IDLE = ("JupyterLabAppSettings", "CodeEditorAppSettings")


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
        name="domain",
        order=83,
        list=_domains,
        again=_domain_again,
        acts={"shut-idle-down": Act(_idle_recipe, _shut_idle_down, _let_idle_run, ends=False)},
        look=_look_at_domain,
        tagged_as="sagemaker:domain",
    ),
)
