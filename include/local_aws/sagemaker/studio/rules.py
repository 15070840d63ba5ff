"""What Studio's kinds share: their places, their refusals, how settings are updated."""

from __future__ import annotations

from functools import partial
from typing import Any

from local_aws.errors import in_use, not_found, validation
from local_aws.execution.lifecycle import Lifecycle, Passing
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, tags_of
from local_aws.store import Exists, Record

DOMAIN, USER_PROFILE, SPACE, APP = "domain", "user-profile", "space", "app"
# As the messages of AWS spell them.
_NOUNS = {DOMAIN: "Domain", USER_PROFILE: "UserProfile", SPACE: "Space", APP: "App"}

GONE = "Deleted"
IDLE_APPS = {"JupyterLab": "JupyterLabAppSettings", "CodeEditor": "CodeEditorAppSettings"}


def passing(pending: float, updating: float, deleting: float) -> dict[str, Passing]:
    """The statuses of domains, user profiles and spaces that pass by themselves."""
    return {
        "Pending": Passing(pending, "InService"),
        "Updating": Passing(updating, "InService"),
        "Deleting": Passing(deleting, None),
    }


def find(call: Call, kind: str, *names: str) -> Record:
    """Raises `ResourceNotFound`."""
    record = call.app.store.get(kind, call.region, "/".join(names))
    if record is None:
        raise not_found(f"{_NOUNS[kind]} [{call.arn('/'.join((kind, *names)))}] does not exist.")
    return record


def create(call: Call, lifecycle: Lifecycle, key: str, params: Params, **members: Any) -> Params:
    """Make what a Create asks for, with what else its record has; its ARN, as the answer has it.

    Raises `ResourceInUse` when there is one already.
    """
    kind, tags = lifecycle.kind, tags_of(params)
    arn = call.arn(f"{kind}/{key}")
    answer = {f"{_NOUNS[kind]}Arn": arn}
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record |= {**members, **answer, "_arn": arn}
    try:
        lifecycle.create(call.app, call.region, key, record, "Pending")
    except Exists as error:
        raise in_use(f"{_NOUNS[kind]} [{arn}] already exists.") from error
    call.app.store.tag(arn, tags)
    return answer


def listed(call: Call, kind: str, params: Params) -> tuple[list[Record], Params]:
    """A page of the kind's resources, of a domain or of all, and what comes with it in the answer."""
    name = f"{_NOUNS[kind]}Name"
    return page(
        call.app.store.all(kind, call.region),
        params,
        name=name,
        equals={"DomainIdEquals": "DomainId"},
        contains={f"{name}Contains": name},
        sorts={"LastModifiedTime": "LastModifiedTime"},
    )


def check_unused(call: Call, kind: str, record: Record, by: str, users: list[Record]) -> None:
    """Raise `ResourceInUse` when resources of the kind `by` are left that need this one."""
    if users:
        raise in_use(
            f"Unable to delete {_NOUNS[kind]} [{record['_arn']}] because {_NOUNS[by]}(s) are associated "
            "with it."
        )


def update(call: Call, lifecycle: Lifecycle, key: str, **members: Any) -> None:
    """Raises `ResourceInUse` while something else is being done with it."""
    check = partial(_check_settled, lifecycle.kind, "update")
    lifecycle.enter(call.app, call.region, key, "Updating", check, **members)


def delete(call: Call, lifecycle: Lifecycle, key: str) -> None:
    """Raises `ResourceInUse` while something else is being done with it."""
    check = partial(_check_settled, lifecycle.kind, "delete")
    lifecycle.enter(call.app, call.region, key, "Deleting", check)


def _check_settled(kind: str, what: str, record: Record) -> None:
    if record["Status"] in ("Pending", "Updating", "Deleting"):
        raise in_use(
            f"Unable to {what} {_NOUNS[kind]} [{record['_arn']}] because it is {record['Status']}."
        )


def living_apps(call: Call, **owner: str) -> list[Record]:
    """The apps, of an owner or of all, that are not Deleted."""
    return [
        app
        for app in call.app.store.all(APP, call.region)
        if app["Status"] != GONE and owner.items() <= app.items()
    ]


def updated(known: Params | None, given: Params | None) -> Params:
    """Settings after an update: what is given replaces, the rest stays (not verified against AWS)."""
    return {**(known or {}), **(given or {})}


def check_idle(settings: Params) -> None:
    """Raise `ValidationException` for idle times that contradict each other."""
    for member in IDLE_APPS.values():
        idle = idle_of(settings, member)
        least, most = idle.get("MinIdleTimeoutInMinutes"), idle.get("MaxIdleTimeoutInMinutes")
        minutes = idle.get("IdleTimeoutInMinutes")
        in_order = [value for value in (least, minutes, most) if value is not None]
        if in_order != sorted(in_order):
            raise validation(
                f"{member}: MinIdleTimeoutInMinutes, IdleTimeoutInMinutes and MaxIdleTimeoutInMinutes "
                f"must not descend, and are {least}, {minutes} and {most}"
            )


def idle_of(settings: Params | None, member: str) -> Params:
    """IdleSettings of an app's settings; {} when there are none."""
    found: Any = settings or {}
    for name in (member, "AppLifecycleManagement", "IdleSettings"):
        found = found.get(name) or {}
    return dict(found)
