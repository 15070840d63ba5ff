"""Model Monitor's schedules on an endpoint: AWS deletes no endpoint under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from frugal.aws import monitoring
from frugal.aws.monitoring import NOUNS
from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kinds.requests import creation, tag_list
from frugal.cleanup.kinds.sagemaker import NotPossible, create, describe, pages, tags_of
from frugal.cleanup.resource import is_ours


def recipes(account: Account, endpoint: str) -> list[Recipe]:
    """{"schedule", "noun", "definition"}: the requests that make each schedule of an endpoint and its job definition.

    Raises NotPossible when one of them is not ours, or of a kind that Frugal does not make.
    """
    return [_recipe(account, name) for name in _names(account, endpoint)]


def take_off(account: Account, found: Sequence[Recipe]) -> list[str]:
    """Stop and delete the schedules, then their definitions, as far as they are there; a line for each."""
    names = [recipe["schedule"]["MonitoringScheduleName"] for recipe in found]
    return [
        f"monitoring schedule {name}" for name in names if monitoring.remove(name, account.region)
    ]


def put_back(account: Account, found: Sequence[Recipe]) -> list[str]:
    """Make definitions and schedules where they are missing; a line for each schedule."""
    lines = []
    for recipe in found:
        create(account, f"create_{recipe['noun']}_job_definition", dict(recipe["definition"]))
        if create(account, "create_monitoring_schedule", dict(recipe["schedule"])):
            lines.append(f"monitoring schedule {recipe['schedule']['MonitoringScheduleName']}")
    return lines


def _names(account: Account, endpoint: str) -> Iterator[str]:
    for page in pages(
        account,
        "list_monitoring_schedules",
        "MonitoringScheduleSummaries",
        EndpointName=endpoint,
    ):
        yield from (item["MonitoringScheduleName"] for item in page)


def _recipe(account: Account, name: str) -> Recipe:
    client = account.client("sagemaker")
    schedule = client.describe_monitoring_schedule(MonitoringScheduleName=name)
    tags = tags_of(account, schedule["MonitoringScheduleArn"])
    noun = NOUNS.get(schedule.get("MonitoringType", ""))
    if not is_ours(tags, account.environment) or noun is None:
        raise NotPossible(f"monitoring schedule {name} watches it, and Frugal did not make that")
    named = schedule["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
    definition = describe(account, f"{noun}_job_definition", JobDefinitionName=named)
    if definition is None:
        raise NotPossible(f"monitoring schedule {name} runs {named}, which is gone")
    operation = f"Create{schedule['MonitoringType']}JobDefinition"
    return {
        "schedule": _tagged(client, "CreateMonitoringSchedule", schedule, tags),
        "noun": noun,
        "definition": _tagged(
            client, operation, definition, tags_of(account, definition["JobDefinitionArn"])
        ),
    }


def _tagged(client: Any, operation: str, found: Any, tags: dict[str, str]) -> Any:
    return creation(client, operation, found, Tags=tag_list(tags))
