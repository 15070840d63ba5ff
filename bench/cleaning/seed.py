"""An account of ten thousand things, made through AWS's API as anyone would make them.

Nothing of it costs this machine a process: serverless endpoints that nobody asked, inference components without a
copy, and jobs whose image is not there, which fail at once and leave their records.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/frugal-bench"
BUCKET = "frugal-bench"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
NO_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/no-such-image:1"
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
CORES = {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 128}
VERSIONS = 10
#: Jobs that wait for capacity wait in a thread each.
AT_ONCE = 50
COMPONENTS_OF_A_HOST = 20
THREADS = 4

UNDER_WAY = {
    "training": ("InProgress",),
    "processing": ("InProgress",),
    "compilation": ("STARTING", "INPROGRESS"),
}

#: How many of each kind there are in the whole; a smaller account has each in proportion.
MIX = {
    "endpoint": 200,
    "endpoint-config": 150,
    "model": 300,
    "model-package-group": 40,
    "training-job": 4000,
    "processing-job": 2000,
    "compilation-job": 1000,
    "log-group": 1000,
    "alarm": 100,
    "host": 10,
    "notebook-instance": 100,
    "app": 100,
    "tracking-server": 20,
}


@dataclass(frozen=True)
class Account:
    """Where to: a client of each service, and the tags of what is ours; every third thing is somebody else's."""

    client: Callable[[str], Any]
    environment: str

    def mapping(self, number: int) -> dict[str, str]:
        if number % 3 == 0:
            return {"team": "somebody-else"}
        return {
            "ManagedBy": "frugal",
            "frugal:environment": self.environment,
            "frugal:owner": f"team-{number % 7}",
            "frugal:model": f"model-{number % 50}",
        }

    def tags(self, number: int) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.mapping(number).items()]


def seed(account: Account, share: float) -> None:
    """Make `share` of the whole."""
    account.client("s3").create_bucket(Bucket=BUCKET)
    sagemaker = account.client("sagemaker")
    model(account, "shared", 0)
    domain = sagemaker.create_domain(
        DomainName="studio", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": ROLE}
    )["DomainId"]
    sagemaker.create_user_profile(DomainId=domain, UserProfileName="everybody")
    make: dict[str, Callable[[str, int], object]] = {
        "endpoint": partial(endpoint, account),
        "endpoint-config": partial(config, account, "shared"),
        "model": partial(model, account),
        "model-package-group": partial(packages, account),
        "training-job": partial(training_job, account),
        "processing-job": partial(processing_job, account),
        "compilation-job": partial(compilation_job, account),
        "log-group": partial(log_group, account),
        "alarm": partial(alarm, account),
        "host": partial(host, account),
        "notebook-instance": partial(notebook, account),
        "app": partial(app, account, domain),
        "tracking-server": partial(tracking_server, account),
    }
    with ThreadPoolExecutor(THREADS) as pool:
        for kind, most in MIX.items():
            count = max(1, round(most * share))
            for begin in range(0, count, AT_ONCE):
                numbers = range(begin, min(begin + AT_ONCE, count))
                _all(pool.map(lambda n, kind=kind: make[kind](f"{kind}-{n}", n), numbers))
                if kind.endswith("-job"):
                    settle(account)


def scale(account: Account) -> None:
    """A target and a policy for every inference component; to be called once they are in service."""
    pages = account.client("sagemaker").get_paginator("list_inference_components").paginate()
    names = [c["InferenceComponentName"] for page in pages for c in page["InferenceComponents"]]
    with ThreadPoolExecutor(THREADS) as pool:
        _all(pool.map(partial(target, account), names, range(len(names))))


def settle(account: Account) -> None:
    """Wait for the jobs to end: two of them run at a time."""
    sagemaker = account.client("sagemaker")
    while any(
        getattr(sagemaker, f"list_{kind}_jobs")(StatusEquals=status, MaxResults=1)[
            f"{kind.capitalize()}JobSummaries"
        ]
        for kind, statuses in UNDER_WAY.items()
        for status in statuses
    ):
        time.sleep(0.05)


def _all(done: Iterable[object]) -> None:
    for _ in done:
        pass


def model(account: Account, name: str, number: int) -> None:
    account.client("sagemaker").create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE},
        Tags=account.tags(number),
    )


def config(account: Account, of: str, name: str, number: int) -> None:
    variant = {"VariantName": "all", "ModelName": of, "ServerlessConfig": SERVERLESS}
    account.client("sagemaker").create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant], Tags=account.tags(number)
    )


def endpoint(account: Account, name: str, number: int) -> None:
    model(account, name, number)
    config(account, name, name, number)
    account.client("sagemaker").create_endpoint(
        EndpointName=name, EndpointConfigName=name, Tags=account.tags(number)
    )


def packages(account: Account, name: str, number: int) -> None:
    sagemaker = account.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=account.tags(number))
    for _ in range(VERSIONS):
        sagemaker.create_model_package(
            ModelPackageGroupName=name,
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )


def training_job(account: Account, name: str, number: int) -> None:
    account.client("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": NO_IMAGE, "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models"},
        ResourceConfig=CLUSTER,
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        Tags=account.tags(number),
    )


def processing_job(account: Account, name: str, number: int) -> None:
    account.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": NO_IMAGE},
        ProcessingResources={"ClusterConfig": CLUSTER},
        Tags=account.tags(number),
    )


def compilation_job(account: Account, name: str, number: int) -> None:
    account.client("sagemaker").create_compilation_job(
        CompilationJobName=name,
        RoleArn=ROLE,
        InputConfig={
            "S3Uri": f"s3://{BUCKET}/no-such-model.tar.gz",
            "Framework": "XGBOOST",
            "DataInputConfig": '{"data": [1, 2]}',
        },
        OutputConfig={"S3OutputLocation": f"s3://{BUCKET}/compiled", "TargetDevice": "ml_c5"},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        Tags=account.tags(number),
    )


def log_group(account: Account, name: str, number: int) -> None:
    account.client("logs").create_log_group(
        logGroupName=f"/bench/{name}", tags=account.mapping(number)
    )


def alarm(account: Account, name: str, number: int) -> None:
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[{"Name": "EndpointName", "Value": f"endpoint-{2 * number}"}],
        Statistic="Average",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1e6,
        ComparisonOperator="GreaterThanThreshold",
        Tags=account.tags(number),
    )


def host(account: Account, name: str, number: int) -> None:
    """An endpoint with components that have no copies."""
    sagemaker = account.client("sagemaker")
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ExecutionRoleArn=ROLE,
        ProductionVariants=[
            {
                "VariantName": "all",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
            }
        ],
        Tags=account.tags(number),
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=account.tags(number))
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    for place in range(COMPONENTS_OF_A_HOST):
        sagemaker.create_inference_component(
            InferenceComponentName=f"{name}-{place}",
            EndpointName=name,
            VariantName="all",
            Specification={"ModelName": "shared", "ComputeResourceRequirements": CORES},
            RuntimeConfig={"CopyCount": 0},
            Tags=account.tags(number),
        )


def target(account: Account, component: str, number: int) -> None:
    scaling = account.client("application-autoscaling")
    place = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"inference-component/{component}",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
    }
    scaling.register_scalable_target(
        **place, MinCapacity=0, MaxCapacity=1, Tags=account.mapping(number)
    )
    metric = {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"}
    scaling.put_scaling_policy(
        **place,
        PolicyName=component,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100,
            "PredefinedMetricSpecification": metric,
        },
    )


def notebook(account: Account, name: str, number: int) -> None:
    account.client("sagemaker").create_notebook_instance(
        NotebookInstanceName=name,
        InstanceType="ml.t3.medium",
        RoleArn=ROLE,
        Tags=account.tags(number),
    )


def app(account: Account, domain: str, name: str, number: int) -> None:
    """An app in a space of its own."""
    sagemaker = account.client("sagemaker")
    sagemaker.create_space(
        DomainId=domain,
        SpaceName=name,
        OwnershipSettings={"OwnerUserProfileName": "everybody"},
        SpaceSharingSettings={"SharingType": "Private"},
        SpaceSettings={"AppType": "JupyterLab"},
        Tags=account.tags(number),
    )
    sagemaker.create_app(
        DomainId=domain,
        SpaceName=name,
        AppType="JupyterLab",
        AppName="default",
        Tags=account.tags(number),
    )


def tracking_server(account: Account, name: str, number: int) -> None:
    account.client("sagemaker").create_mlflow_tracking_server(
        TrackingServerName=name,
        ArtifactStoreUri=f"s3://{BUCKET}/mlflow",
        RoleArn=ROLE,
        Tags=account.tags(number),
    )
