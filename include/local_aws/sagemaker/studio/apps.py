"""Studio's apps: what bills by the hour, and ends by itself where idle shutdown is on.

Nobody works in one here, so that an app is idle from its start. The idle time that counts is the one when the
app started (developer guide, "Idle shutdown").
"""

from __future__ import annotations

from functools import partial

from local_aws.app import App
from local_aws.errors import in_use, validation
from local_aws.execution.lifecycle import Lifecycle, Passing
from local_aws.execution.states import now
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.sagemaker.studio import rules, spaces, user_profiles
from local_aws.sagemaker.studio.rules import APP, DOMAIN, GONE
from local_aws.store import Record

DAY = 86400
DEFAULT_INSTANCE = "ml.t3.medium"
LIFECYCLE = Lifecycle(
    APP,
    "Status",
    {
        "Pending": Passing(20, "InService"),
        "Deleting": Passing(10, GONE),
        GONE: Passing(DAY, None),
    },
)


@operation("CreateApp")
def create(call: Call, params: Params) -> Params:
    domain, owner = rules.find(call, DOMAIN, params["DomainId"]), _owner(call, params)
    key = _key(params)
    known = call.app.store.get(APP, call.region, key)
    if known is not None and known["Status"] == GONE:
        call.app.store.delete(APP, call.region, key)
    kind = params["AppType"]
    settings = owner.get("SpaceSettings") or owner.get("UserSettings") or {}
    member = f"{kind}AppSettings"
    resources = settings.get(member, {}).get("DefaultResourceSpec", {}) | params.get(
        "ResourceSpec", {}
    )
    members: Record = {"ResourceSpec": {"InstanceType": DEFAULT_INSTANCE, **resources}}
    members["LastUserActivityTimestamp"] = now()
    if minutes := _idle_minutes(call, domain, owner, kind):
        members["_idle_until"] = now() + 60 * minutes
    answer = rules.create(call, LIFECYCLE, key, params, **members)
    _watch(call.app, call.region, key, members)
    return answer


def _owner(call: Call, params: Params) -> Record:
    """The user profile or space that the app is of. Raises unless there is exactly one, that fits."""
    if ("UserProfileName" in params) == ("SpaceName" in params):
        raise validation("Give exactly one of UserProfileName and SpaceName")
    kind = params["AppType"]
    if "UserProfileName" in params:
        if kind in rules.IDLE_APPS:
            raise validation(f"An app of the type {kind} needs a SpaceName")
        return user_profiles.find(call, params)
    space = spaces.find(call, params)
    wanted = space["SpaceSettings"].get("AppType")
    if wanted not in (None, kind):
        raise validation(f"The space {params['SpaceName']} is for {wanted}, not {kind}")
    return space


def _idle_minutes(call: Call, domain: Record, owner: Record, kind: str) -> int | None:
    """After how many idle minutes the app ends: the space's, else its owner's, else the domain's."""
    if kind not in rules.IDLE_APPS:
        return None
    member = rules.IDLE_APPS[kind]
    name = owner.get("OwnershipSettings", {}).get("OwnerUserProfileName", "")
    profile = call.app.store.get(rules.USER_PROFILE, call.region, f"{domain['DomainId']}/{name}")
    idle = rules.idle_of(domain.get("DefaultUserSettings"), member)
    idle |= rules.idle_of((profile or {}).get("UserSettings"), member)
    if idle.get("LifecycleManagement") != "ENABLED":
        return None
    idle |= rules.idle_of(owner.get("SpaceSettings"), member)
    return idle.get("IdleTimeoutInMinutes")


def _watch(app: App, region: str, key: str, record: Record) -> None:
    if "_idle_until" in record:
        app.timetable.at(record["_idle_until"], partial(_shut_down, app, region, key))


def _shut_down(app: App, region: str, key: str) -> None:
    record = app.store.get(APP, region, key)
    if record and record["Status"] == "InService" and record.get("_idle_until", now()) <= now():
        LIFECYCLE.enter(app, region, key, "Deleting")


def _key(params: Params) -> str:
    owner = params.get("SpaceName") or params.get("UserProfileName")
    return f"{params['DomainId']}/{owner}/{params['AppType']}/{params['AppName']}"


def find(call: Call, params: Params) -> Record:
    return rules.find(call, APP, *_key(params).split("/"))


@operation("DescribeApp")
def describe(call: Call, params: Params) -> Params:
    return find(call, params)


@operation("ListApps")
def list_apps(call: Call, params: Params) -> Params:
    found, more = page(
        call.app.store.all(APP, call.region),
        params,
        name="AppName",
        equals={
            "DomainIdEquals": "DomainId",
            "UserProfileNameEquals": "UserProfileName",
            "SpaceNameEquals": "SpaceName",
        },
    )
    return {"Apps": found, **more}


@operation("DeleteApp")
def delete(call: Call, params: Params) -> Params:
    find(call, params)
    LIFECYCLE.enter(call.app, call.region, _key(params), "Deleting", _check_living)
    return {}


def _check_living(record: Record) -> None:
    if record["Status"] in (GONE, "Deleting"):
        raise in_use(f"App [{record['AppArn']}] is {record['Status']} already.")


def settle(app: App) -> None:
    """After a restart: idle apps still end."""
    for region, key, record in app.store.every(APP):
        _watch(app, region, key, record)
