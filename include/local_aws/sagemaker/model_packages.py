"""The Model Registry: groups, versions, approval, metadata."""

from __future__ import annotations

import re

from local_aws import ACCOUNT
from local_aws.app import App
from local_aws.errors import conflict, validation
from local_aws.execution.states import now
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

GROUP, PACKAGE = "model-package-group", "model-package"

_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d+:[a-z-]+/(?P<name>.+)")

# Members of UpdateModelPackage that replace those of the record.
REPLACED = [
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
]


def _name(arn_or_name: str) -> str:
    """`group` or `group/version` of an ARN or a name; ARNs are in lower case."""
    match = _ARN.match(arn_or_name)
    return match["name"] if match else arn_or_name


def _find(call: Call, kind: str, arn_or_name: str, noun: str) -> Record:
    name = _name(arn_or_name)
    record = call.app.store.get(kind, call.region, name)
    if record is None:
        lowered = [r for r in call.app.store.all(kind, call.region) if r["_name"].lower() == name]
        record = lowered[0] if lowered else None
    if record is None:
        raise validation(f"{noun} {call.arn(f'{kind}/{name}')} does not exist.")
    return record


def find_group(call: Call, arn_or_name: str) -> Record:
    return _find(call, GROUP, arn_or_name, "ModelPackageGroup")


def find_package(call: Call, arn_or_name: str) -> Record:
    return _find(call, PACKAGE, arn_or_name, "ModelPackage")


def container_of(call: Call, arn_or_name: str) -> Params:
    """The container that a model package describes. Raises `ValidationException` without one."""
    package = find_package(call, arn_or_name)
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    if not containers:
        raise validation(f"{package['ModelPackageArn']} has no InferenceSpecification to serve")
    known = ("Image", "ModelDataUrl", "ModelDataSource", "Environment", "ContainerHostname")
    return {member: containers[0][member] for member in known if member in containers[0]}


@operation("CreateModelPackageGroup")
def create_group(call: Call, params: Params) -> Params:
    name, tags = params["ModelPackageGroupName"], tags_of(params)
    arn = call.arn(f"{GROUP}/{name}")
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record |= {"ModelPackageGroupArn": arn, "_arn": arn, "_name": name, "_latest": 0}
    record |= {"CreationTime": now(), "CreatedBy": {}, "ModelPackageGroupStatus": "Completed"}
    try:
        call.app.store.create(GROUP, call.region, name, record)
    except Exists as error:
        raise validation(f"Model Package Group already exists: {arn}") from error
    call.app.store.tag(arn, tags)
    return {"ModelPackageGroupArn": arn}


@operation("DescribeModelPackageGroup")
def describe_group(call: Call, params: Params) -> Params:
    return find_group(call, params["ModelPackageGroupName"])


@operation("ListModelPackageGroups")
def list_groups(call: Call, params: Params) -> Params:
    records = call.app.store.all(GROUP, call.region)
    found, more = page(records, params, name="ModelPackageGroupName")
    return {"ModelPackageGroupSummaryList": found, **more}


@operation("DeleteModelPackageGroup")
def delete_group(call: Call, params: Params) -> Params:
    group = find_group(call, params["ModelPackageGroupName"])
    if _versions(call, group):
        raise conflict(
            f"Model Package Group {group['ModelPackageGroupArn']} cannot be deleted: it contains "
            "model packages"
        )
    call.app.store.delete(GROUP, call.region, group["_name"])
    return {}


def _versions(call: Call, group: Record) -> list[Record]:
    name = group["ModelPackageGroupName"]
    packages = call.app.store.all(PACKAGE, call.region)
    return [p for p in packages if p.get("ModelPackageGroupName") == name]


@operation("CreateModelPackage")
def create_package(call: Call, params: Params) -> Params:
    if ("ModelPackageName" in params) == ("ModelPackageGroupName" in params):
        raise validation("Give exactly one of ModelPackageName and ModelPackageGroupName")
    if not {"InferenceSpecification", "SourceAlgorithmSpecification", "SourceUri"} & params.keys():
        raise validation(
            "Give an InferenceSpecification, a SourceAlgorithmSpecification or a SourceUri"
        )
    tags = tags_of(params)
    if known := _same_token(call, params):
        return {"ModelPackageArn": known}
    record: Record = {k: v for k, v in params.items() if k not in ("Tags", "ClientToken")}
    record |= {"CreationTime": now(), "CreatedBy": {}, "ModelPackageStatus": "Completed"}
    record["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}
    if "ClientToken" in params:
        record |= {"_token": params["ClientToken"], "_asked": _asked(params)}
    name = _version(call, params, record) if "ModelPackageGroupName" in params else ""
    name = name or params["ModelPackageName"]
    arn = call.arn(f"{PACKAGE}/{name}")
    record |= {"ModelPackageArn": arn, "_arn": arn, "_name": name}
    try:
        call.app.store.create(PACKAGE, call.region, name, record)
    except Exists as error:
        raise validation(f"Model Package already exists: {arn}") from error
    call.app.store.tag(arn, tags)
    _publish(call.app, call.region, record)
    return {"ModelPackageArn": arn}


def _asked(params: Params) -> Params:
    return {k: v for k, v in params.items() if k != "ClientToken"}


def _same_token(call: Call, params: Params) -> str | None:
    """The ARN that the same request with the same ClientToken got before."""
    for record in call.app.store.all(PACKAGE, call.region):
        if "ClientToken" in params and record.get("_token") == params["ClientToken"]:
            if record["_asked"] != _asked(params):
                raise conflict("The ClientToken was used with other parameters")
            return str(record["ModelPackageArn"])
    return None


def _version(call: Call, params: Params, record: Record) -> str:
    """`group/version` of a new version of a group."""
    group = find_group(call, params["ModelPackageGroupName"])

    def count(latest: Record) -> None:
        latest["_latest"] += 1

    number = call.app.store.update(GROUP, call.region, group["_name"], count)["_latest"]
    record["ModelPackageGroupName"] = group["ModelPackageGroupName"]
    record["ModelPackageName"] = group["ModelPackageGroupName"]
    record["ModelPackageVersion"] = number
    record.setdefault("ModelApprovalStatus", "PendingManualApproval")
    return f"{group['_name']}/{number}"


@operation("DescribeModelPackage")
def describe_package(call: Call, params: Params) -> Params:
    return find_package(call, params["ModelPackageName"])


@operation("ListModelPackages")
def list_packages(call: Call, params: Params) -> Params:
    records = call.app.store.all(PACKAGE, call.region)
    if "ModelPackageGroupName" in params:
        records = _versions(call, find_group(call, params["ModelPackageGroupName"]))
    else:
        wanted = params.get("ModelPackageType", "Unversioned")
        versioned = {"Versioned": (True,), "Unversioned": (False,)}.get(wanted, (True, False))
        records = [r for r in records if ("ModelPackageGroupName" in r) in versioned]
    equals = {"ModelApprovalStatus": "ModelApprovalStatus"}
    found, more = page(records, params, name="ModelPackageName", equals=equals)
    return {"ModelPackageSummaryList": found, **more}


@operation("UpdateModelPackage")
def update_package(call: Call, params: Params) -> Params:
    package = find_package(call, params["ModelPackageArn"])

    def change(record: Record) -> None:
        record.update({member: params[member] for member in REPLACED if member in params})
        metadata = record.get("CustomerMetadataProperties", {})
        metadata |= params.get("CustomerMetadataProperties", {})
        for key in params.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(key, None)
        if len(metadata) > 50:
            raise validation("CustomerMetadataProperties holds at most 50 entries")
        record["CustomerMetadataProperties"] = metadata
        more = params.get("AdditionalInferenceSpecificationsToAdd", [])
        if more:
            record.setdefault("AdditionalInferenceSpecifications", []).extend(more)
        record |= {"LastModifiedTime": now(), "LastModifiedBy": {}}

    record = call.app.store.update(PACKAGE, call.region, package["_name"], change)
    _publish(call.app, call.region, record)
    return {"ModelPackageArn": package["ModelPackageArn"]}


@operation("DeleteModelPackage")
def delete_package(call: Call, params: Params) -> Params:
    package = find_package(call, params["ModelPackageName"])
    call.app.store.delete(PACKAGE, call.region, package["_name"])
    return {}


def _publish(app: App, region: str, record: Record) -> None:
    known = (
        "ModelPackageName ModelPackageGroupName ModelPackageVersion ModelPackageArn "
        "ModelPackageDescription CreationTime InferenceSpecification ModelPackageStatus "
        "ModelPackageStatusDetails ModelApprovalStatus ApprovalDescription "
        "CustomerMetadataProperties LastModifiedTime"
    )
    detail = {k: record[k] for k in known.split() if k in record}
    detail["Tags"] = app.store.tags(record["ModelPackageArn"])
    detail["CreatedBy"] = {"IamIdentity": {"Arn": f"arn:aws:iam::{ACCOUNT}:root"}}
    arn = record["ModelPackageArn"]
    app.telemetry.event(region, "SageMaker Model Package State Change", detail, [arn])
