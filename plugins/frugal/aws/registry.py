"""The model registry: who is champion, and registering a challenger exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from frugal.aws.clients import client
from frugal.aws.ownership import of_another_environment
from frugal.aws.run import Champion

MODEL_DATA, SOURCE, RUN = "frugal.model_data", "frugal.source", "frugal.run"
FINGERPRINT = "frugal.fingerprint"
NOT_SERVED = "its deployment failed, what served before does on"


class OtherEnvironment(RuntimeError):
    """The model package group is that of a Frugal with another FRUGAL_ENVIRONMENT."""


def claim(group: str) -> None:
    """Raises OtherEnvironment when `group` is not this environment's: its champion would be ours to replace."""
    if not _group_exists(group):
        return
    sagemaker = client("sagemaker")
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)[
        "ModelPackageGroupArn"
    ]
    if whose := of_another_environment(sagemaker, arn):
        raise OtherEnvironment(
            f"there is a model package group {group} in {sagemaker.meta.region_name} {whose}: "
            "give each environment an account, a region or model names of its own"
        )


def champion(group: str) -> Champion | None:
    """The newest approved package of `group`, or None when there is none yet."""
    packages = _packages(group, ModelApprovalStatus="Approved")
    if not packages:
        return None
    arn = packages[0]["ModelPackageArn"]
    lineage = _lineage(arn)
    if MODEL_DATA not in lineage:
        return None  # registered by somebody else: there is nothing to compare with
    return Champion(arn=arn, model_data=lineage[MODEL_DATA], source=lineage[SOURCE])


def before_champion(group: str, version: int | None = None) -> str:
    """ARN of the package to go back to: the approved one before the champion, or the one of a `version` of `group`.

    Raises LookupError when there is none.
    """
    packages = _packages(group) if version else _packages(group, ModelApprovalStatus="Approved")[1:]
    for package in packages:
        if version in (None, package["ModelPackageVersion"]):
            return str(package["ModelPackageArn"])
    which = f"version {version}" if version else "approved package before the champion"
    raise LookupError(f"{group} has no {which} among its ten newest")


def describe(arn: str) -> dict[str, Any]:
    """What serves a package again: {"package": ARN, "run" and "artifact" that it is of, "container"}."""
    found = client("sagemaker").describe_model_package(ModelPackageName=arn)
    given, lineage = found["InferenceSpecification"]["Containers"][0], _lineage(arn)
    container = {k: given[k] for k in ("Image", "ModelDataUrl", "Environment") if k in given}
    of_run = {"run": lineage.get(RUN), "artifact": lineage.get(MODEL_DATA)}
    return {"package": arn, **of_run, "container": container}


def restore(group: str, arn: str) -> list[str]:
    """Make the package champion: it is approved, and newer ones are rejected, which are returned."""
    sagemaker, why = client("sagemaker"), f"{arn.rpartition('/')[2]} was restored"
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription=why
    )
    rejected = []
    for package in _packages(group, ModelApprovalStatus="Approved"):
        newer = package["ModelPackageArn"]
        if newer == arn:
            break
        sagemaker.update_model_package(
            ModelPackageArn=newer, ModelApprovalStatus="Rejected", ApprovalDescription=why
        )
        rejected.append(str(newer))
    return rejected


def settle(group: str, run: str, *, served: bool) -> str | None:
    """Let the registry follow a deployment: a package whose deployment failed is no champion, and is again once a later
    attempt went well. Returns the ARN of a package whose status changed.
    """
    arn, sagemaker = package_of(group, run), client("sagemaker")
    if arn is None:
        return None
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    approved = found["ModelApprovalStatus"] == "Approved"
    ours = found.get("ApprovalDescription") == NOT_SERVED
    if approved == served or (served and not ours):
        return None
    status = "Approved" if served else "Rejected"
    why = "a later attempt to deploy it went well" if served else NOT_SERVED
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=why
    )
    return arn


def is_promoted(group: str) -> bool:
    """Whether `group` has an approved package: some version of the model may be served."""
    return bool(_packages(group, ModelApprovalStatus="Approved"))


def register(request: dict[str, Any], tags: list[dict[str, str]]) -> str:
    """Create the model package of `request`, and its group when missing; returns its ARN.

    A run registers once: a package of the group that carries the same run is returned as it is.
    """
    group = request["ModelPackageGroupName"]
    sagemaker = client("sagemaker")
    if not _group_exists(group):
        sagemaker.create_model_package_group(
            ModelPackageGroupName=group, ModelPackageGroupDescription="Made by Frugal", Tags=tags
        )
    if arn := package_of(group, request["CustomerMetadataProperties"][RUN]):
        return arn
    return str(sagemaker.create_model_package(**request)["ModelPackageArn"])


def package_of(group: str, run: str) -> str | None:
    """ARN of the package of `group` that a run registered, if it is among the ten newest."""
    for package in _packages(group):
        if _lineage(package["ModelPackageArn"]).get(RUN) == run:
            return str(package["ModelPackageArn"])
    return None


def _packages(group: str, **filters: str) -> list[dict[str, Any]]:
    """The ten newest packages of `group`, newest first."""
    if not _group_exists(group):
        return []
    response = client("sagemaker").list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", **filters
    )
    packages: list[dict[str, Any]] = response["ModelPackageSummaryList"]
    return packages


def lineage(arn: str) -> dict[str, str]:
    """Where a package comes from: its run, dataset and code, as they were registered."""
    return _lineage(arn)


@dataclass(frozen=True)
class Trained:
    """A model that was registered, whether it won or lost: when, by which run, from which dataset."""

    registered: datetime
    run: str | None
    fingerprint: str | None


def newest(group: str) -> Trained | None:
    """The newest of `group`."""
    packages = _packages(group)
    if not packages:
        return None
    found = _lineage(packages[0]["ModelPackageArn"])
    return Trained(packages[0]["CreationTime"], found.get(RUN), found.get(FINGERPRINT))


def _lineage(arn: str) -> dict[str, str]:
    description = client("sagemaker").describe_model_package(ModelPackageName=arn)
    lineage: dict[str, str] = description.get("CustomerMetadataProperties", {})
    return lineage


def _group_exists(group: str) -> bool:
    pages = client("sagemaker").get_paginator("list_model_package_groups")
    found = pages.paginate(NameContains=group)
    return any(
        item["ModelPackageGroupName"] == group
        for page in found
        for item in page["ModelPackageGroupSummaryList"]
    )
