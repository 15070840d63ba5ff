"""Studio's spaces: what an app runs in, and whose volume bills while none does."""

from __future__ import annotations

from typing import Any

from local_aws.errors import validation
from local_aws.execution.lifecycle import Lifecycle
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.sagemaker.studio import rules
from local_aws.sagemaker.studio.rules import APP, DOMAIN, SPACE, USER_PROFILE
from local_aws.store import Record

LIFECYCLE = Lifecycle(SPACE, "Status", rules.passing(10, 10, 10))
# The volume of a private space, unless it asks for another (GB).
DEFAULT_VOLUME = 5


@operation("CreateSpace")
def create(call: Call, params: Params) -> Params:
    domain = rules.find(call, DOMAIN, params["DomainId"])
    _check_owner(call, params)
    settings = dict(params.get("SpaceSettings", {}))
    check_idle_within(domain, settings)
    if settings.get("AppType") in rules.IDLE_APPS:
        volume = {"EbsStorageSettings": {"EbsVolumeSizeInGb": DEFAULT_VOLUME}}
        settings.setdefault("SpaceStorageSettings", volume)
    url = f"{domain['Url']}/spaces/{params['SpaceName']}"
    return rules.create(call, LIFECYCLE, _key(params), params, SpaceSettings=settings, Url=url)


def _check_owner(call: Call, params: Params) -> None:
    if ("OwnershipSettings" in params) != ("SpaceSharingSettings" in params):
        raise validation("OwnershipSettings and SpaceSharingSettings must be given together")
    if "OwnershipSettings" in params:
        owner = params["OwnershipSettings"]["OwnerUserProfileName"]
        rules.find(call, USER_PROFILE, params["DomainId"], owner)


def check_idle_within(domain: Record, settings: Params) -> None:
    """Raise `ValidationException` for an idle time that the domain does not allow its spaces."""
    for member in rules.IDLE_APPS.values():
        allowed = rules.idle_of(domain.get("DefaultUserSettings"), member)
        minutes = rules.idle_of(settings, member).get("IdleTimeoutInMinutes")
        least, most = allowed.get("MinIdleTimeoutInMinutes"), allowed.get("MaxIdleTimeoutInMinutes")
        if minutes is not None and not (least or 0) <= minutes <= (most or minutes):
            raise validation(
                f"{member}: IdleTimeoutInMinutes must be from {least} to {most}, as the domain has "
                f"it, not {minutes}"
            )


def _key(params: Params) -> str:
    return f"{params['DomainId']}/{params['SpaceName']}"


def find(call: Call, params: Params) -> Record:
    return rules.find(call, SPACE, params["DomainId"], params["SpaceName"])


@operation("DescribeSpace")
def describe(call: Call, params: Params) -> Params:
    return find(call, params)


@operation("ListSpaces")
def list_spaces(call: Call, params: Params) -> Params:
    found, more = rules.listed(call, SPACE, params)
    return {"Spaces": [_summary(space) for space in found], **more}


def _summary(space: Record) -> Record:
    summaries: dict[str, Any] = {
        "SpaceSettingsSummary": space["SpaceSettings"],
        "SpaceSharingSettingsSummary": space.get("SpaceSharingSettings"),
        "OwnershipSettingsSummary": space.get("OwnershipSettings"),
    }
    return space | summaries


@operation("UpdateSpace")
def update(call: Call, params: Params) -> Params:
    record = find(call, params)
    given, known = params.get("SpaceSettings", {}), record["SpaceSettings"]
    if given.get("AppType", known.get("AppType")) != known.get("AppType"):
        raise validation("The AppType of a space cannot be updated")
    check_idle_within(rules.find(call, DOMAIN, params["DomainId"]), given)
    members = {k: v for k, v in params.items() if k == "SpaceDisplayName"}
    members["SpaceSettings"] = rules.updated(known, given)
    rules.update(call, LIFECYCLE, _key(params), **members)
    return {"SpaceArn": record["SpaceArn"]}


@operation("DeleteSpace")
def delete(call: Call, params: Params) -> Params:
    """Its volume goes with it."""
    record = find(call, params)
    owner = {"DomainId": record["DomainId"], "SpaceName": record["SpaceName"]}
    rules.check_unused(call, SPACE, record, APP, rules.living_apps(call, **owner))
    rules.delete(call, LIFECYCLE, _key(params))
    return {}
