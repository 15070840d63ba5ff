"""Studio's user profiles."""

from __future__ import annotations

from local_aws.execution.lifecycle import Lifecycle
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.sagemaker.studio import rules
from local_aws.sagemaker.studio.rules import APP, DOMAIN, SPACE, USER_PROFILE
from local_aws.store import Record

LIFECYCLE = Lifecycle(USER_PROFILE, "Status", rules.passing(10, 10, 10))


@operation("CreateUserProfile")
def create(call: Call, params: Params) -> Params:
    rules.find(call, DOMAIN, params["DomainId"])
    rules.check_idle(params.get("UserSettings", {}))
    return rules.create(call, LIFECYCLE, _key(params), params)


def _key(params: Params) -> str:
    return f"{params['DomainId']}/{params['UserProfileName']}"


def find(call: Call, params: Params) -> Record:
    return rules.find(call, USER_PROFILE, params["DomainId"], params["UserProfileName"])


@operation("DescribeUserProfile")
def describe(call: Call, params: Params) -> Params:
    return find(call, params)


@operation("ListUserProfiles")
def list_profiles(call: Call, params: Params) -> Params:
    found, more = rules.listed(call, USER_PROFILE, params)
    return {"UserProfiles": found, **more}


@operation("UpdateUserProfile")
def update(call: Call, params: Params) -> Params:
    record = find(call, params)
    settings = rules.updated(record.get("UserSettings"), params.get("UserSettings"))
    rules.check_idle(settings)
    rules.update(call, LIFECYCLE, _key(params), UserSettings=settings)
    return {"UserProfileArn": record["UserProfileArn"]}


@operation("DeleteUserProfile")
def delete(call: Call, params: Params) -> Params:
    record = find(call, params)
    owner = {"DomainId": record["DomainId"], "UserProfileName": record["UserProfileName"]}
    rules.check_unused(call, USER_PROFILE, record, APP, rules.living_apps(call, **owner))
    owned = [
        space
        for space in call.app.store.all(SPACE, call.region)
        if space["DomainId"] == record["DomainId"]
        and space.get("OwnershipSettings", {}).get("OwnerUserProfileName")
        == record["UserProfileName"]
    ]
    rules.check_unused(call, USER_PROFILE, record, SPACE, owned)
    rules.delete(call, LIFECYCLE, _key(params))
    return {}
