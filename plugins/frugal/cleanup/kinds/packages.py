"""Model packages: versions of a group, and what protects them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from frugal.aws.tags import as_dict
from frugal.cleanup.account import Account, Recipe
from frugal.cleanup.kind import Act, CleanupKind
from frugal.cleanup.kinds.requests import creation
from frugal.cleanup.kinds.sagemaker import call, describe, looked_up, pages, tags_of
from frugal.cleanup.resource import Resource

APPROVED = "Approved"
#: The champion, and the one that `frugal` goes back to when the champion turns out bad.
PROTECTED = 2
ARNS_A_CALL = 100  # GetResources, botocore's model


def _list(account: Account) -> Iterator[list[Resource]]:
    """All versions, newest first; they carry their groups' tags, as AWS lets nobody tag a version
    (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html).
    """
    tags = _group_tags(account)
    seen, approved = Counter[str](), Counter[str]()
    for page in pages(
        account,
        "list_model_packages",
        "ModelPackageSummaryList",
        ModelPackageType="Versioned",
        SortBy="CreationTime",
        SortOrder="Descending",
    ):
        yield [_placed(account, item, tags, seen, approved) for item in page]


def _placed(
    account: Account,
    item: dict[str, Any],
    tags: dict[str, dict[str, str]],
    seen: Counter[str],
    approved: Counter[str],
) -> Resource:
    """A package with the facts `rank` in its group, 0 for the newest, and whether it is `protected`."""
    group, arn = item["ModelPackageGroupName"], item["ModelPackageArn"]
    is_approved = item.get("ModelApprovalStatus") == APPROVED
    protected = is_approved and approved[group] < PROTECTED
    rank = seen[group]
    seen[group] += 1
    approved[group] += is_approved
    return Resource(
        kind="model-package",
        name=arn.partition("model-package/")[2],
        region=account.region,
        arn=arn,
        created=item["CreationTime"],
        status=item.get("ModelApprovalStatus"),
        tags=tags.get(group, {}),
        facts={
            "rank": rank,
            "protected": protected,
            "group": group,
        },
    )


def _group_tags(account: Account) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    client = account.client("resourcegroupstaggingapi")
    for page in pages(account, "list_model_package_groups", "ModelPackageGroupSummaryList"):
        names = {item["ModelPackageGroupArn"]: item["ModelPackageGroupName"] for item in page}
        answer = client.get_resources(ResourceARNList=list(names)) if names else {}
        for item in answer.get("ResourceTagMappingList", ()):
            found[names[item["ResourceARN"]]] = as_dict(item["Tags"])
    return found


def _again(account: Account, resource: Resource) -> Resource | None:
    found = describe(account, "model_package", ModelPackageName=str(resource.arn))
    if found is None:
        return None
    group = found["ModelPackageGroupName"]
    owner = looked_up(account, "model_package_group", ModelPackageGroupName=group)
    tags = {group: tags_of(account, owner["ModelPackageGroupArn"])}
    seen, approved = Counter[str](), Counter[str]()
    for page in pages(
        account,
        "list_model_packages",
        "ModelPackageSummaryList",
        ModelPackageGroupName=group,
        SortBy="CreationTime",
        SortOrder="Descending",
    ):
        for item in page:
            placed = _placed(account, item, tags, seen, approved)
            if placed.arn == resource.arn:
                return placed
    return None


def _recipe(account: Account, resource: Resource) -> Recipe | None:
    found = describe(account, "model_package", ModelPackageName=str(resource.arn))
    if found is None:
        return None
    found.pop("ModelPackageName", None)
    request: Recipe = creation(account.client("sagemaker"), "CreateModelPackage", found)
    return request


def _delete(account: Account, resource: Resource, recipe: Recipe) -> list[str]:
    gone = call(account, "delete_model_package", ModelPackageName=str(resource.arn))
    return [f"model package {resource.name}"] if gone else []


def _restore(account: Account, recipe: Recipe) -> list[str]:
    """It comes back as the newest version, as AWS numbers them, so never approved: it would be champion at once."""
    request = dict(recipe)
    if request.get("ModelApprovalStatus") == APPROVED:
        request["ModelApprovalStatus"] = "Rejected"
    arn = account.client("sagemaker").create_model_package(**request)["ModelPackageArn"]
    return [f"model package {arn.partition('model-package/')[2]}, not approved"]


KINDS = (
    CleanupKind(
        name="model-package",
        order=50,
        list=_list,
        again=_again,
        acts={"delete": Act(_recipe, _delete, _restore)},
        after=("model",),
        markable=False,
    ),
)
