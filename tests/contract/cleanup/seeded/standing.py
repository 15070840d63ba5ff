"""What bills by standing there: notebooks, Studio's spaces and apps, tracking servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.contract.cleanup.seeded.seed import (
    BUCKET,
    GONE,
    ROLE,
    Ground,
    Seed,
    SeededKind,
    States,
    listed,
)
from tests.contract.cleanup.seeded.stories import COMMON, KEPT, Story, special

IDLE_SHUTDOWN = {
    kind: {
        "AppLifecycleManagement": {
            "IdleSettings": {"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": 525600}
        }
    }
    for kind in ("JupyterLabAppSettings", "CodeEditorAppSettings")
}


def make_notebook(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    sagemaker = ground.aws("sagemaker")
    sagemaker.create_notebook_instance(
        NotebookInstanceName=name,
        InstanceType="ml.t3.medium",
        RoleArn=ROLE,
        Tags=ground.tags(story),
    )
    yield Seed("notebook-instance", name, story.name, story.acted)


def make_domain(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """A domain, where idle shutdown is off unless the story says otherwise."""
    settings: dict[str, Any] = {"ExecutionRole": ROLE}
    if "shuts-down" in story.how:
        settings |= IDLE_SHUTDOWN
    made = ground.aws("sagemaker").create_domain(
        DomainName=name, AuthMode="IAM", DefaultUserSettings=settings, Tags=ground.tags(story)
    )
    arn = made["DomainArn"]
    yield Seed("domain", arn.rpartition("/")[2], story.name, story.acted)


def domains(ground: Ground) -> States:
    sagemaker = ground.aws("sagemaker")
    found = sagemaker.get_paginator("list_domains").paginate()
    names = [domain["DomainId"] for page in found for domain in page["Domains"]]
    return {name: _idle_shutdown(sagemaker.describe_domain(DomainId=name)) for name in names}


def _idle_shutdown(domain: dict[str, Any]) -> str:
    settings: Any = domain["DefaultUserSettings"]
    for member in ("JupyterLabAppSettings", "AppLifecycleManagement", "IdleSettings"):
        settings = settings.get(member, {})
    return str(settings.get("LifecycleManagement", "DISABLED"))


def make_app(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """A running app in a space of its own, in a domain that is kept; the volume stays when it goes."""
    sagemaker = ground.aws("sagemaker")
    domain = next(iter(_kept_domain(ground)))
    sagemaker.create_user_profile(DomainId=domain, UserProfileName=name, Tags=ground.tags(KEPT))
    owner = {"OwnerUserProfileName": name}
    sagemaker.create_space(
        DomainId=domain,
        SpaceName=name,
        OwnershipSettings=owner,
        SpaceSharingSettings={"SharingType": "Private"},
        SpaceSettings={"AppType": "JupyterLab"},
        Tags=ground.tags(KEPT),
    )
    sagemaker.create_app(
        DomainId=domain,
        SpaceName=name,
        AppType="JupyterLab",
        AppName="default",
        Tags=ground.tags(story),
    )
    yield Seed("space", name, "of an app", acted=False)
    yield Seed("app", name, story.name, story.acted)


def _kept_domain(ground: Ground) -> Iterator[str]:
    """The account's domain for apps, made when there is none."""
    sagemaker, name = ground.aws("sagemaker"), "kept-domain"
    pages = sagemaker.get_paginator("list_domains").paginate()
    found = [d["DomainId"] for page in pages for d in page["Domains"] if d["DomainName"] == name]
    yield from found or [seed.name for seed in make_domain(ground, name, KEPT)]


def apps(ground: Ground) -> States:
    """By their spaces; one that is Deleted is only remembered."""
    pages = ground.aws("sagemaker").get_paginator("list_apps").paginate()
    every = [app for page in pages for app in page["Apps"]]
    return {app["SpaceName"]: app["Status"] for app in every if app["Status"] != "Deleted"}


def make_tracking_server(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    ground.aws("sagemaker").create_mlflow_tracking_server(
        TrackingServerName=name,
        ArtifactStoreUri=f"s3://{BUCKET}/mlflow",
        RoleArn=ROLE,
        Tags=ground.tags(story),
    )
    yield Seed("tracking-server", name, story.name, story.acted)


KINDS = (
    SeededKind(
        "notebook-instance",
        make_notebook,
        listed(
            "sagemaker",
            "list_notebook_instances",
            "NotebookInstances",
            "NotebookInstanceName",
            "NotebookInstanceStatus",
        ),
        done="Stopped",
    ),
    SeededKind(
        "domain",
        make_domain,
        domains,
        done="ENABLED",
        stories=(*COMMON, special("shuts-down", "shuts-down")),
    ),
    SeededKind(
        "space",
        lambda ground, name, story: iter(()),
        listed("sagemaker", "list_spaces", "Spaces", "SpaceName", "Status"),
        stories=(),
    ),
    SeededKind("app", make_app, apps, done=GONE),
    SeededKind(
        "tracking-server",
        make_tracking_server,
        listed(
            "sagemaker",
            "list_mlflow_tracking_servers",
            "TrackingServerSummaries",
            "TrackingServerName",
            "TrackingServerStatus",
        ),
        done="Stopped",
    ),
)
