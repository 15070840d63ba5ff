"""What AWS ran for a run: every job that carries its tag, whatever became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from frugal.aws import clients
from frugal.aws.run import Run
from frugal.aws.tags import RUN, as_dict
from frugal.jobs.kinds import KINDS

RESOURCES = {kind.resource: kind for kind in KINDS.values() if kind.one_per_attempt}


def jobs_of(run: Run, results: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Jobs by stage, oldest first, each with its bill and, if it failed, the reason.

    Failed and stopped jobs are among them, and those of rungs that had no capacity: they bill, too. The
    tagging API may be seconds behind, so what the tasks left in `results` completes it.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    pages = clients.client("resourcegroupstaggingapi").get_paginator("get_resources")
    for page in pages.paginate(
        TagFilters=[{"Key": RUN, "Values": [run.id]}],
        ResourceTypeFilters=[f"sagemaker:{resource}" for resource in RESOURCES],
    ):
        for item in page["ResourceTagMappingList"]:
            tags = as_dict(item["Tags"])
            if job := _job(item["ResourceARN"]):
                found[tags["frugal:stage"]].append(job)
    for stage, result in results.items():
        names = {job["job"] for job in found[stage]}
        if result and "seconds_billed" in result and result.get("job", None) not in {None, *names}:
            found[stage].append({**result, "created": None})
    return {
        stage: sorted(jobs, key=lambda job: (job["created"] is None, job["created"]))
        for stage, jobs in found.items()
    }


def _job(arn: str) -> dict[str, Any] | None:
    """The job of an ARN such as arn:aws:sagemaker:<region>:<account>:training-job/<name>; None when gone."""
    resource, _, name = arn.rpartition(":")[2].partition("/")
    kind = RESOURCES[resource]
    description = kind.find(clients.client("sagemaker"), name)
    if description is None:
        return None
    return {
        "kind": kind.name,
        "job": name,
        "created": description["CreationTime"],
        "reason": description.get("ExitMessage") or description.get("FailureReason"),
        **vars(kind.bill(description)),
    }
