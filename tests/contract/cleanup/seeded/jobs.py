"""What jobs leave: records, warm pools, model packages, log groups.

A record is that of a job whose image is not there: it fails at once, as it would on AWS.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.contract.cleanup.seeded.seed import (
    ARTEFACT,
    BUCKET,
    IMAGE,
    NO_IMAGE,
    ROLE,
    Ground,
    Seed,
    SeededKind,
    States,
    listed,
)
from tests.contract.cleanup.seeded.stories import COMMON, Story, recent, special
from tests.contract.waiting import await_true

LONGEST_KEEP = 21600
KEEP_NEWEST = 10
VERSIONS_TOO_MANY = 3
RETENTION_DAYS = 30
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}


def training_request(ground: Ground, name: str, story: Story, image: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": CLUSTER,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "Tags": ground.tags(story),
    }


def make_training(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    request = training_request(ground, name, story, NO_IMAGE)
    ground.aws("sagemaker").create_training_job(**request)
    yield Seed("training-job", name, story.name, story.acted)


def make_processing(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    ground.aws("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": NO_IMAGE},
        ProcessingResources={"ClusterConfig": CLUSTER},
        Tags=ground.tags(story),
    )
    yield Seed("processing-job", name, story.name, story.acted)


def make_compilation(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    ground.aws("sagemaker").create_compilation_job(
        CompilationJobName=name,
        RoleArn=ROLE,
        InputConfig={
            "S3Uri": f"s3://{BUCKET}/no-such-model.tar.gz",
            "Framework": "XGBOOST",
            "DataInputConfig": '{"data": [1, 2]}',
        },
        OutputConfig={"S3OutputLocation": f"s3://{BUCKET}/compiled", "TargetDevice": "ml_c5"},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        Tags=ground.tags(story),
    )
    yield Seed("compilation-job", name, story.name, story.acted)


def make_warm_pool(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """A training job that ran; its instances differ from the others' so that none takes them over."""
    request = training_request(ground, name, story, IMAGE)
    place = int(name.rpartition("-")[2])
    request["ResourceConfig"] = CLUSTER | {
        "KeepAlivePeriodInSeconds": LONGEST_KEEP,
        "VolumeSizeInGB": 10 + 100 * place + len(story.name),
    }
    request["RoleArn"] = f"{ROLE}-{story.name}"
    ground.aws("sagemaker").create_training_job(**request)
    await_true(partial(_has_pool, ground, name), f"the warm pool of {name}")
    yield Seed("warm-pool", name, story.name, story.acted)


def _has_pool(ground: Ground, name: str) -> bool:
    described = ground.aws("sagemaker").describe_training_job(TrainingJobName=name)
    return bool(described["WarmPoolStatus"]["Status"] == "Available")


def warm_pools(ground: Ground) -> States:
    """Whether a pool was ended, or is or was kept for its time."""
    pages = ground.aws("sagemaker").get_paginator("list_training_jobs").paginate()
    pools = {
        job["TrainingJobName"]: job["WarmPoolStatus"]
        for page in pages
        for job in page["TrainingJobSummaries"]
        if "WarmPoolStatus" in job
    }
    return {
        name: "ended"
        if pool["Status"] == "Terminated"
        and pool["ResourceRetainedBillableTimeInSeconds"] < LONGEST_KEEP
        else "kept"
        for name, pool in pools.items()
    }


def training_jobs(ground: Ground) -> States:
    """Those that keep no pool are records alone."""
    every = listed(
        "sagemaker",
        "list_training_jobs",
        "TrainingJobSummaries",
        "TrainingJobName",
        "TrainingJobStatus",
    )
    pools = warm_pools(ground)
    return {name: state for name, state in every(ground).items() if name not in pools}


def make_packages(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    """A group with some versions more than are kept, the first of which is approved."""
    sagemaker = ground.aws("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=ground.tags(story))
    yield Seed("model-package-group", name, story.name, acted=False)
    for version in range(KEEP_NEWEST + VERSIONS_TOO_MANY):
        arn = sagemaker.create_model_package(
            ModelPackageGroupName=name,
            ModelApprovalStatus="Rejected" if version else "Approved",
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": ARTEFACT}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )["ModelPackageArn"]
        beyond = 0 < version < VERSIONS_TOO_MANY
        yield Seed("model-package", arn, story.name, acted=story.acted and beyond)


def packages(ground: Ground) -> States:
    sagemaker = ground.aws("sagemaker")
    pages = sagemaker.get_paginator("list_model_packages")
    groups = listed(
        "sagemaker",
        "list_model_package_groups",
        "ModelPackageGroupSummaryList",
        "ModelPackageGroupName",
    )
    return {
        package["ModelPackageArn"]: package["ModelApprovalStatus"]
        for group in groups(ground)
        for page in pages.paginate(ModelPackageGroupName=group)
        for package in page["ModelPackageSummaryList"]
    }


def make_log_group(ground: Ground, name: str, story: Story) -> Iterator[Seed]:
    logs, group = ground.aws("logs"), f"/seeded/{name}"
    logs.create_log_group(logGroupName=group, tags=ground.mapping(story))
    if "retained" in story.how:
        logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    yield Seed("log-group", group, story.name, story.acted)


def log_groups(ground: Ground) -> States:
    pages = ground.aws("logs").get_paginator("describe_log_groups").paginate()
    return {
        group["logGroupName"]: f"{group['retentionInDays']} days"
        if "retentionInDays" in group
        else "for ever"
        for page in pages
        for group in page["logGroups"]
    }


def record_kind(noun: str, name: str, make: Any) -> SeededKind:
    return SeededKind(
        name,
        make,
        listed(
            "sagemaker",
            f"list_{name.replace('-', '_')}s",
            f"{noun}Summaries",
            f"{noun}Name",
            f"{noun}Status",
        ),
    )


KINDS = (
    SeededKind("training-job", make_training, training_jobs),
    record_kind("ProcessingJob", "processing-job", make_processing),
    record_kind("CompilationJob", "compilation-job", make_compilation),
    SeededKind(
        "warm-pool",
        make_warm_pool,
        warm_pools,
        done="ended",
        stories=tuple(recent(story) for story in COMMON),
    ),
    SeededKind("model-package", make_packages, packages),
    SeededKind(
        "model-package-group",
        lambda ground, name, story: iter(()),
        listed(
            "sagemaker",
            "list_model_package_groups",
            "ModelPackageGroupSummaryList",
            "ModelPackageGroupName",
        ),
        stories=(),
    ),
    SeededKind(
        "log-group",
        make_log_group,
        log_groups,
        done=f"{RETENTION_DAYS} days",
        stories=(*COMMON, special("retained", "retained")),
    ),
)
