"""Studio's domains, user profiles, spaces and apps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import ROLE

IDLE = {
    "LifecycleManagement": "ENABLED",
    "IdleTimeoutInMinutes": 120,
    "MinIdleTimeoutInMinutes": 60,
    "MaxIdleTimeoutInMinutes": 600,
}


def with_idle(settings: dict[str, Any]) -> dict[str, Any]:
    return {"JupyterLabAppSettings": {"AppLifecycleManagement": {"IdleSettings": settings}}}


def make_domain(sagemaker: Any, name: str, idle: dict[str, Any] | None = None) -> dict[str, str]:
    """A domain with a user profile and a private space of the same name; what names the space."""
    settings = {"ExecutionRole": ROLE, **(with_idle(idle) if idle else {})}
    domain = sagemaker.create_domain(DomainName=name, AuthMode="IAM", DefaultUserSettings=settings)[
        "DomainId"
    ]
    sagemaker.create_user_profile(DomainId=domain, UserProfileName=name)
    sagemaker.create_space(
        DomainId=domain,
        SpaceName=name,
        OwnershipSettings={"OwnerUserProfileName": name},
        SpaceSharingSettings={"SharingType": "Private"},
        SpaceSettings={"AppType": "JupyterLab"},
    )
    return {"DomainId": domain, "SpaceName": name}


def app_of(space: dict[str, str]) -> dict[str, str]:
    return {**space, "AppType": "JupyterLab", "AppName": "default"}


def status(sagemaker: Any, app: dict[str, str]) -> str:
    return str(sagemaker.describe_app(**app)["Status"])


def gone(describe: Callable[..., Any], **names: str) -> bool:
    try:
        describe(**names)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "ResourceNotFound")
    return False


def test_what_is_used_is_not_deleted(sagemaker: Any, name: str) -> None:
    space = make_domain(sagemaker, name)
    domain, app = space["DomainId"], app_of(space)
    profile = {"DomainId": domain, "UserProfileName": name}
    arn = sagemaker.create_app(**app, ResourceSpec={"InstanceType": "ml.t3.large"})["AppArn"]
    assert arn.endswith(f":app/{domain}/{name}/jupyterlab/default")
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_app(**app)
    in_use = sagemaker.exceptions.ResourceInUse
    with pytest.raises(in_use, match=r"because App\(s\) are associated"):
        sagemaker.delete_space(**space)
    with pytest.raises(in_use, match=r"because Space\(s\) are associated"):
        sagemaker.delete_user_profile(**profile)
    with pytest.raises(in_use, match=r"because UserProfile\(s\) are associated"):
        sagemaker.delete_domain(DomainId=domain)
    await_true(lambda: status(sagemaker, app) == "InService", "the app to be InService")
    sagemaker.delete_app(**app)
    await_true(lambda: status(sagemaker, app) == "Deleted", "the app to be Deleted")
    [entry] = sagemaker.list_apps(DomainIdEquals=domain)["Apps"]
    assert (entry["Status"], entry["SpaceName"]) == ("Deleted", name)
    sagemaker.delete_space(**space)
    await_true(lambda: gone(sagemaker.describe_space, **space), "the space to go")
    sagemaker.delete_user_profile(**profile)
    await_true(lambda: gone(sagemaker.describe_user_profile, **profile), "the profile to go")
    sagemaker.delete_domain(DomainId=domain)
    await_true(lambda: gone(sagemaker.describe_domain, DomainId=domain), "the domain to go")


def test_a_space_has_a_volume_and_is_listed_with_its_owner(sagemaker: Any, name: str) -> None:
    space = make_domain(sagemaker, name)
    [entry] = sagemaker.list_spaces(DomainIdEquals=space["DomainId"])["Spaces"]
    volume = entry["SpaceSettingsSummary"]["SpaceStorageSettings"]["EbsStorageSettings"]
    assert volume["EbsVolumeSizeInGb"] == 5
    assert entry["OwnershipSettingsSummary"] == {"OwnerUserProfileName": name}
    with pytest.raises(ClientError, match="needs a SpaceName"):
        sagemaker.create_app(
            DomainId=space["DomainId"],
            UserProfileName=name,
            AppType="JupyterLab",
            AppName="default",
        )
    with pytest.raises(ClientError, match="is for JupyterLab"):
        sagemaker.create_app(**space, AppType="CodeEditor", AppName="default")


def test_idle_times_keep_to_the_domains_bounds(sagemaker: Any, name: str) -> None:
    space = make_domain(sagemaker, name, IDLE)
    await_true(
        lambda: sagemaker.describe_space(**space)["Status"] == "InService", "the space to settle"
    )
    with pytest.raises(ClientError, match="from 60 to 600"):
        sagemaker.update_space(**space, SpaceSettings=with_idle({"IdleTimeoutInMinutes": 720}))
    sagemaker.update_space(**space, SpaceSettings=with_idle({"IdleTimeoutInMinutes": 60}))
    settings = sagemaker.describe_space(**space)["SpaceSettings"]
    assert settings["AppType"] == "JupyterLab"
    idle = settings["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"]
    assert idle == {"IdleTimeoutInMinutes": 60}
    with pytest.raises(ClientError, match="must not descend"):
        sagemaker.create_domain(
            DomainName=f"{name}-no",
            AuthMode="IAM",
            DefaultUserSettings=with_idle(IDLE | {"IdleTimeoutInMinutes": 700}),
        )
