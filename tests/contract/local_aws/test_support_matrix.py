"""What each form of serving does not support, refused by the raw API: the rows that say no in the
developer guide's feature matrix, and the limits of Inferentia."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import BUCKET, IMAGE, ROLE, LocalAws, await_endpoint, make_config

INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
INF1 = {"InstanceType": "ml.inf1.xlarge", "InitialInstanceCount": 1}
INF2 = {"InstanceType": "ml.inf2.xlarge", "InitialInstanceCount": 1}
GPU = {"InstanceType": "ml.g5.12xlarge", "InitialInstanceCount": 1}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
CAPTURE = {
    "DataCaptureConfig": {
        "InitialSamplingPercentage": 1,
        "DestinationS3Uri": "s3://b/c",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
}
ASYNC = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/o"}}}
VPC = {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}}
NEURON = IMAGE.replace("sagemaker-xgboost:3.0-5", "pytorch-inference-neuron:1.13")


@pytest.fixture
def model(sagemaker: Any, name: str) -> str:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{name}.tar.gz"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return name


@pytest.fixture
def multi_model(sagemaker: Any, name: str) -> str:
    container = {
        "Image": IMAGE.replace("xgboost:3.0-5", "scripts:1"),
        "Mode": "MultiModel",
        "ModelDataUrl": f"s3://{BUCKET}/{name}/",
    }
    sagemaker.create_model(
        ModelName=f"{name}-many", ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    return f"{name}-many"


def refused(sagemaker: Any, message: str, *variants: dict[str, Any], **config: Any) -> None:
    """CreateEndpointConfig has to be refused with the message."""
    named = [{"VariantName": f"v{n}", **variant} for n, variant in enumerate(variants)]
    with pytest.raises(ClientError, match=message) as caught:
        sagemaker.create_endpoint_config(
            EndpointConfigName="refused", ProductionVariants=named, **config
        )
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_serverless(sagemaker: Any, model: str, multi_model: str) -> None:
    one = {"ModelName": model, **SERVERLESS}
    shadow = [{"VariantName": "s", "ModelName": model, **INSTANCE}]
    many = {"ModelName": multi_model, **SERVERLESS}
    refused(sagemaker, "InstanceType cannot be specified", one | GPU)
    refused(sagemaker, "InstanceType cannot be specified", one | INF1)
    refused(sagemaker, "Multi-model containers cannot be served by serverless", many)
    refused(sagemaker, "Data capture is not supported for serverless", one, **CAPTURE)
    refused(sagemaker, "neither VPC nor network isolation", one, **VPC)
    refused(sagemaker, "neither VPC nor network isolation", one, EnableNetworkIsolation=True)
    refused(sagemaker, "exactly one production variant", one, one)
    refused(sagemaker, "Shadow variants are not supported", one, ShadowProductionVariants=shadow)
    refused(sagemaker, "cannot be specified with ServerlessConfig", one, **ASYNC)


def test_serverless_with_a_model_in_a_vpc(sagemaker: Any, name: str) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{name}.tar.gz"}
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer=container,
        EnableNetworkIsolation=True,
    )
    variant = {"ModelName": name, **SERVERLESS}
    refused(sagemaker, "neither VPC nor network isolation", variant)


def test_multi_model(sagemaker: Any, model: str, multi_model: str) -> None:
    one = {"ModelName": multi_model, **INSTANCE}
    shadow = [{"VariantName": "s", "ModelName": model, **INSTANCE}]
    refused(sagemaker, "Data capture is not supported for multi-model", one, **CAPTURE)
    refused(sagemaker, "do not support asynchronous inference", one, **ASYNC)
    refused(sagemaker, "exactly one production variant", one, one)
    refused(sagemaker, "Shadow variants are not supported", one, ShadowProductionVariants=shadow)
    refused(sagemaker, "not by Inferentia", one | INF1)
    refused(sagemaker, "not by Inferentia", one | INF2)
    refused(sagemaker, "single-GPU", one | GPU)


def test_asynchronous(sagemaker: Any, model: str) -> None:
    one = {"ModelName": model, **INSTANCE}
    shadow = [{"VariantName": "s", "ModelName": model, **INSTANCE}]
    refused(sagemaker, "Inf1 instances do not support", one | INF1, **ASYNC)
    refused(sagemaker, "Data capture is not supported for async", one, **ASYNC, **CAPTURE)
    refused(sagemaker, "exactly one production variant", one, one, **ASYNC)
    refused(sagemaker, "not supported for async", one, ShadowProductionVariants=shadow, **ASYNC)


def test_inf1_has_no_shadows(sagemaker: Any, model: str) -> None:
    shadow = [{"VariantName": "s", "ModelName": model, **INSTANCE}]
    one = {"ModelName": model, **INF1}
    refused(sagemaker, "not supported on Inf1", one, ShadowProductionVariants=shadow)


def test_scaling_to_zero_needs_components(sagemaker: Any, model: str) -> None:
    managed = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
    variant = {"ModelName": model, "ManagedInstanceScaling": managed, **INSTANCE}
    refused(sagemaker, "needs a variant without ModelName", variant)
    refused(sagemaker, "ExecutionRoleArn is required", INSTANCE)
    refused(sagemaker, "needs a ModelName", INSTANCE, ExecutionRoleArn=ROLE, **ASYNC)


def test_neuron_images_on_another_generation(sagemaker: Any, name: str) -> None:
    container = {"Image": NEURON, "ModelDataUrl": f"s3://{BUCKET}/{name}.tar.gz"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    refused(sagemaker, "another generation of Inferentia", {"ModelName": name, **INF2})
    refused(sagemaker, "another generation of Inferentia", {"ModelName": name, **INSTANCE})


def test_a_neuron_image_fails_here_with_the_reason(sagemaker: Any, name: str) -> None:
    container = {"Image": NEURON, "ModelDataUrl": f"s3://{BUCKET}/{name}.tar.gz"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": name, **INF1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = await_endpoint(sagemaker, name)
    assert described["EndpointStatus"] == "Failed"
    assert "no AWS Inferentia" in described["FailureReason"]
    sagemaker.delete_endpoint(EndpointName=name)


def test_inf1_has_no_batch_transform(sagemaker: Any, model: str) -> None:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in"}}
    with pytest.raises(ClientError, match=r"ml\.inf1\.xlarge"):
        sagemaker.create_transform_job(
            TransformJobName=model,
            ModelName=model,
            TransformInput={"DataSource": source},
            TransformOutput={"S3OutputPath": f"s3://{BUCKET}/out"},
            TransformResources={"InstanceType": "ml.inf1.xlarge", "InstanceCount": 1},
        )


CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 1,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
        }
    }
}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 1,
    }
}


@pytest.fixture(scope="module")
def endpoint(local_aws: LocalAws) -> Iterator[str]:
    name, sagemaker = f"test-{uuid.uuid4().hex[:12]}", local_aws.client("sagemaker")
    make_config(local_aws, name)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


class TestUpdates:
    """Of an endpoint in service."""

    def refused(
        self, sagemaker: Any, endpoint: str, message: str, variants: Any, deployment: Any = None
    ) -> None:
        config = f"{endpoint}-{uuid.uuid4().hex[:8]}"
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
        given = {"DeploymentConfig": deployment} if deployment else {}
        with pytest.raises(ClientError, match=message):
            sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **given)

    def test_inf1_has_no_guardrails(self, sagemaker: Any, endpoint: str) -> None:
        variant = {"VariantName": "AllTraffic", "ModelName": endpoint, **INF1}
        self.refused(sagemaker, endpoint, "no deployment guardrails", [variant], CANARY)

    def test_multi_model_has_no_guardrails(
        self, sagemaker: Any, endpoint: str, multi_model: str
    ) -> None:
        variant = {"VariantName": "AllTraffic", "ModelName": multi_model, **INSTANCE}
        self.refused(sagemaker, endpoint, "no deployment guardrails", [variant], CANARY)

    def test_instances_do_not_become_serverless(self, sagemaker: Any, endpoint: str) -> None:
        variant = {"VariantName": "AllTraffic", "ModelName": endpoint, **SERVERLESS}
        self.refused(sagemaker, endpoint, "to a serverless one", [variant])

    def test_rolling_has_one_variant(self, sagemaker: Any, endpoint: str) -> None:
        names = ("AllTraffic", "other")
        variants = [{"VariantName": n, "ModelName": endpoint, **INSTANCE} for n in names]
        self.refused(sagemaker, endpoint, "variant names", variants, ROLLING)

    def test_guardrails_keep_the_variant_s_name(self, sagemaker: Any, endpoint: str) -> None:
        variant = {"VariantName": "renamed", "ModelName": endpoint, **INSTANCE}
        self.refused(sagemaker, endpoint, "variant names", [variant], CANARY)

    def test_only_asynchronous_endpoints_scale_to_zero(self, sagemaker: Any, endpoint: str) -> None:
        wanted = {"VariantName": "AllTraffic", "DesiredInstanceCount": 0}
        with pytest.raises(ClientError, match="only asynchronous endpoints"):
            sagemaker.update_endpoint_weights_and_capacities(
                EndpointName=endpoint, DesiredWeightsAndCapacities=[wanted]
            )
