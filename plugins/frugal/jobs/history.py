"""What AWS ran for a run: every job that carries its tag, whatever became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from frugal.aws import clients
from frugal.aws.run import Run
from frugal.aws.tags import RUN, as_dict
from frugal.jobs.capacity import Rung
from frugal.jobs.kinds import KINDS

RESOURCES = {kind.resource: kind for kind in KINDS.values() if kind.one_per_attempt}


def jobs_of(
    run: Run, results: Mapping[str, Any], regions: Collection[str] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Jobs by stage, oldest first, in the run's region and `regions`: each with its region, its rung (counted from
    0; None without a ladder), its bill, and what it failed with and why.

    Failed and stopped jobs are among them, and those of rungs that had no capacity: they bill, too. The
    tagging API may be seconds behind, so what the tasks left in `results` completes it.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for region in sorted({run.region, *regions}):
        tagging = clients.client("resourcegroupstaggingapi", region)
        for page in tagging.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": RUN, "Values": [run.id]}],
            ResourceTypeFilters=[f"sagemaker:{resource}" for resource in RESOURCES],
        ):
            for item in page["ResourceTagMappingList"]:
                tags = as_dict(item["Tags"])
                if job := _job(item["ResourceARN"], region):
                    rung = Rung.index_in(tags)
                    found[tags["frugal:stage"]].append({**job, "rung": rung})
    for stage, result in results.items():
        names = {job["job"] for job in found[stage]}
        if result and "seconds_billed" in result and result.get("job", None) not in {None, *names}:
            found[stage].append({**result, "created": None})
    return {
        stage: sorted(jobs, key=lambda job: (job["created"] is None, job["created"]))
        for stage, jobs in found.items()
    }


def _job(arn: str, region: str) -> dict[str, Any] | None:
    """The job of an ARN such as arn:aws:sagemaker:<region>:<account>:training-job/<name>; None when it is gone, or
    a training job of a tuning job, which counts it.
    """
    resource, _, name = arn.rpartition(":")[2].partition("/")
    kind = RESOURCES[resource]
    description = kind.find(clients.client("sagemaker", region), name)
    if description is None or "TuningJobArn" in description:
        return None
    error = kind.failure(description, {}) if kind.is_over(description) else None
    return {
        "kind": kind.name,
        "job": name,
        "region": region,
        "is_over": kind.is_over(description),
        "error": type(error).__name__ if error else None,
        "created": description["CreationTime"],
        "reason": description.get("ExitMessage") or description.get("FailureReason"),
        **vars(kind.bill(description)),
    }
