"""Notebook instances and tracking servers: what bills by the hour for as long as somebody forgets it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from frugal.aws.settings import Settings
from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind
from frugal.cleanup.kinds.requests import tag_list
from frugal.cleanup.kinds.sagemaker import (
    NotPossible,
    call,
    create,
    describe,
    pages,
    resource_of,
    tags_of,
    wait,
)
from frugal.cleanup.resource import Resource

STOP_WHEN_IDLE = "frugal-stop-when-idle"
#: What a lifecycle configuration runs as root at every start.
ON_START = """#!/bin/bash
set -e
cat > /usr/local/bin/stop_when_idle.py <<'END_OF_SCRIPT'
{script}
END_OF_SCRIPT
echo '*/5 * * * * root /usr/bin/python3 /usr/local/bin/stop_when_idle.py >> /var/log/stop_when_idle.log 2>&1' \\
  > /etc/cron.d/stop_when_idle
"""
RUNS = frozenset({"Created", "Updated", "Started", "MaintenanceComplete"})
BILLS = "InService"


def _notebooks(account: Account) -> Iterator[list[Resource]]:
    for page in pages(account, "list_notebook_instances", "NotebookInstances"):
        yield [_notebook(account, item) for item in page]


def _notebook(account: Account, item: dict[str, Any]) -> Resource:
    facts = {
        "changed": item["LastModifiedTime"].isoformat(),
        "instance": item.get("InstanceType"),
        "lifecycle": item.get("NotebookInstanceLifecycleConfigName"),
    }
    return resource_of(account, "notebook-instance", "NotebookInstance", item, facts)


def _notebook_again(account: Account, resource: Resource) -> Resource | None:
    found = describe(account, "notebook_instance", NotebookInstanceName=resource.name)
    if found is None or found["NotebookInstanceStatus"] == "Deleting":
        return None
    tags = tags_of(account, found["NotebookInstanceArn"])
    return replace(_notebook(account, found), tags=tags)


def _notebook_monthly(account: Account, resource: Resource) -> float | None:
    """Of the instance; its volume is billed on."""
    if resource.status != BILLS:
        return 0.0
    return account.monthly((resource.facts or {})["instance"])


def _stop_notebook(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    """What is on its volume stays, and so does what its lifecycle configuration brings; the rest of its disk goes."""
    if not call(account, "stop_notebook_instance", NotebookInstanceName=resource.name):
        return []
    return [f"notebook instance {resource.name} stopped"]


def _start(account: Account, noun: str, start: str, status: str, **named: str) -> list[str]:
    """Start what is stopped, or about to be; a line if so."""
    [name], words = named.values(), noun.replace("_", " ")
    found = wait(
        lambda: describe(account, noun, **named),
        lambda found: found is None or found[status] != "Stopping",
        f"{name} is being stopped",
    )
    if found is None:
        raise NotPossible(f"{words} {name} is gone")
    if found[status] != "Stopped":
        return []
    call(account, start, **named)
    return [f"{words} {name} starts"]


def _start_notebook(account: Account, recipe: Recipe) -> list[str]:
    named = {"NotebookInstanceName": recipe["name"]}
    operation, status = "start_notebook_instance", "NotebookInstanceStatus"
    return _start(account, "notebook_instance", operation, status, **named)


def _stop_when_idle(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    """From its next start on it stops itself. AWS changes the configuration of stopped ones alone."""
    script = (Settings.load().include / "cleanup" / "stop_when_idle.py").read_text()
    content = base64.b64encode(ON_START.format(script=script).encode()).decode()
    request = {
        "NotebookInstanceLifecycleConfigName": STOP_WHEN_IDLE,
        "OnStart": [{"Content": content}],
        "Tags": tag_list(resource.tags),
    }
    made = create(account, "create_notebook_instance_lifecycle_config", request)
    account.client("sagemaker").update_notebook_instance(
        NotebookInstanceName=resource.name, LifecycleConfigName=STOP_WHEN_IDLE
    )
    lines = [f"lifecycle configuration {STOP_WHEN_IDLE}"] if made else []
    return [*lines, f"notebook instance {resource.name} stops when idle"]


def _run_on(account: Account, recipe: Recipe) -> list[str]:
    account.client("sagemaker").update_notebook_instance(
        NotebookInstanceName=recipe["name"], DisassociateLifecycleConfig=True
    )
    return [f"notebook instance {recipe['name']} runs on when idle"]


def _trackers(account: Account) -> Iterator[list[Resource]]:
    for page in pages(account, "list_mlflow_tracking_servers", "TrackingServerSummaries"):
        yield [_tracker(account, item) for item in page]


def _tracker(account: Account, item: dict[str, Any]) -> Resource:
    facts = {"changed": item["LastModifiedTime"].isoformat()}
    return resource_of(account, "tracking-server", "TrackingServer", item, facts)


def _tracker_again(account: Account, resource: Resource) -> Resource | None:
    found = describe(account, "mlflow_tracking_server", TrackingServerName=resource.name)
    if found is None or found["TrackingServerStatus"] == "Deleting":
        return None
    tags = tags_of(account, found["TrackingServerArn"])
    return replace(_tracker(account, found), tags=tags)


def _tracker_monthly(account: Account, resource: Resource) -> float | None:
    """Billed by its size and the hour while it runs; the List call does not tell the size."""
    return None if resource.status in RUNS else 0.0


def _stop_tracker(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    if not call(account, "stop_mlflow_tracking_server", TrackingServerName=resource.name):
        return []
    return [f"tracking server {resource.name} stopped"]


def _start_tracker(account: Account, recipe: Recipe) -> list[str]:
    named = {"TrackingServerName": recipe["name"]}
    operation, status = "start_mlflow_tracking_server", "TrackingServerStatus"
    return _start(account, "mlflow_tracking_server", operation, status, **named)


def _name(account: Account, resource: Resource) -> Recipe | None:
    return {"name": resource.name}


KINDS = (
    CleanupKind(
        name="notebook-instance",
        order=80,
        list=_notebooks,
        again=_notebook_again,
        acts={
            "stop": Act(_name, _stop_notebook, _start_notebook, ends=False),
            "stop-when-idle": Act(_name, _stop_when_idle, _run_on, ends=False),
        },
        monthly=_notebook_monthly,
        tagged_as="sagemaker:notebook-instance",
    ),
    CleanupKind(
        name="tracking-server",
        order=84,
        list=_trackers,
        again=_tracker_again,
        acts={"stop": Act(_name, _stop_tracker, _start_tracker, ends=False)},
        monthly=_tracker_monthly,
        tagged_as="sagemaker:mlflow-tracking-server",
    ),
)
