"""What jobs leave in SageMaker: their records, and the instances of a warm pool.

Jobs that run for nobody are the reaper's (jobs/reaper.py): it stops them after every run and every night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind
from frugal.cleanup.kinds.sagemaker import call, describe, looked_up, pages, resource_of, tags_of
from frugal.cleanup.resource import Facts, Resource

LONGEST_KEEP_HOURS = 6  # KeepAlivePeriodInSeconds, botocore's model


def _list(account: Account, noun: str, **given: str) -> Iterator[list[Resource]]:
    """`noun` is Training, Processing or Compilation."""
    operation, kind = f"list_{noun.lower()}_jobs", f"{noun.lower()}-job"
    for page in pages(account, operation, f"{noun}JobSummaries", **given):
        yield [_resource(account, noun, kind, item) for item in page]


def _resource(account: Account, noun: str, kind: str, item: dict[str, Any]) -> Resource:
    facts = {"pool": item.get("WarmPoolStatus", {}).get("Status")}
    return resource_of(account, kind, f"{noun}Job", item, facts)


def _again(account: Account, resource: Resource, noun: str) -> Resource | None:
    found = describe(account, f"{noun.lower()}_job", **{f"{noun}JobName": resource.name})
    if found is None:
        return None
    tags = tags_of(account, found[f"{noun}JobArn"])
    return replace(_resource(account, noun, resource.kind, found), tags=tags)


def _description(account: Account, resource: Resource, noun: str) -> Recipe | None:
    return describe(account, f"{noun.lower()}_job", **{f"{noun}JobName": resource.name})


def _delete(account: Account, resource: Resource, recipe: Recipe, noun: str) -> list[str]:
    gone = call(account, f"delete_{noun.lower()}_job", **{f"{noun}JobName": resource.name})
    return [f"record of {noun.lower()} job {resource.name}"] if gone else []


def _record(noun: str, order: int) -> CleanupKind:
    """The records of one kind of job: once deleted, their recipe alone tells what they were."""
    lister: Callable[[Account], Iterator[list[Resource]]] = partial(_list, noun=noun)
    return CleanupKind(
        name=f"{noun.lower()}-job",
        order=order,
        list=lister,
        again=partial(_again, noun=noun),
        acts={"delete": Act(partial(_description, noun=noun), partial(_delete, noun=noun))},
        tagged_as=f"sagemaker:{noun.lower()}-job",
    )


def _pools(account: Account) -> Iterator[list[Resource]]:
    for page in _list(account, "Training", WarmPoolStatusEquals="Available"):
        yield [_pool(job) for job in page]


def _pool(job: Resource) -> Resource:
    return replace(job, kind="warm-pool", status=(job.facts or {})["pool"])


def _look_at_pool(account: Account, resource: Resource) -> Facts:
    found = looked_up(account, "training_job", TrainingJobName=resource.name)
    cluster = found["ResourceConfig"]
    return {
        "instance": cluster.get("InstanceType"),
        "instances": cluster.get("InstanceCount", 1),
        "keep_alive": cluster.get("KeepAlivePeriodInSeconds"),
        "changed": found["TrainingEndTime"].isoformat() if "TrainingEndTime" in found else None,
    }


def _pool_again(account: Account, resource: Resource) -> Resource | None:
    job = _again(account, resource, "Training")
    if job is None or (job.facts or {})["pool"] != "Available":
        return None
    return replace(_pool(job), facts=_look_at_pool(account, job))


def _until_it_ends(account: Account, resource: Resource) -> float | None:
    """Not a month: AWS ends a pool by itself after six hours at most."""
    facts = resource.facts
    if facts is None:
        return None
    hour = account.prices.hour(facts["instance"], account.region)
    return None if hour is None else hour * facts["instances"] * LONGEST_KEEP_HOURS


def _end_pool(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    """docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html: a period of 0 ends the pool."""
    account.client("sagemaker").update_training_job(
        TrainingJobName=resource.name, ResourceConfig={"KeepAlivePeriodInSeconds": 0}
    )
    return [f"warm pool of {resource.name}"]


KINDS = (
    CleanupKind(
        name="warm-pool",
        order=5,
        list=_pools,
        again=_pool_again,
        acts={
            "end": Act(
                lambda account, resource: {"name": resource.name, **dict(resource.facts or {})},
                _end_pool,
            )
        },
        look=_look_at_pool,
        monthly=_until_it_ends,
        tagged_as="sagemaker:training-job",
        markable=False,
    ),
    _record("Training", 70),
    _record("Processing", 71),
    _record("Compilation", 72),
)
