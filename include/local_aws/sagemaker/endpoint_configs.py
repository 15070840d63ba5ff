"""Endpoint configurations: what AWS refuses to combine, refused."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.execution.fleet import CONFIG
from local_aws.execution.states import now
from local_aws.sagemaker import models
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

# Members that need what is not here yet.
UNSERVED = {
    "AsyncInferenceConfig": "asynchronous endpoints",
    "ShadowProductionVariants": "shadow variants",
    "ExplainerConfig": "explainers",
}


@operation("CreateEndpointConfig")
def create(call: Call, params: Params) -> Params:
    name, tags = params["EndpointConfigName"], tags_of(params)
    for member, what in UNSERVED.items():
        if params.get(member):
            raise validation(f"The local AWS does not serve {what} yet")
    variants = params["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants]
    if len(names) != len(set(names)):
        raise validation(f"Variant names must be unique, and {', '.join(names)} are not")
    for variant in variants:
        _check_variant(call, variant, len(variants))
        variant.setdefault("InitialVariantWeight", 1.0)
    if any("ServerlessConfig" in variant for variant in variants):
        _check_serverless(params)
    arn = call.arn(f"endpoint-config/{name}")
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record |= {"EndpointConfigArn": arn, "_arn": arn, "CreationTime": now()}
    record.setdefault("EnableNetworkIsolation", False)
    try:
        call.app.store.create(CONFIG, call.region, name, record)
    except Exists as error:
        message = f'Cannot create already existing endpoint configuration "{arn}".'
        raise validation(message) from error
    call.app.store.tag(arn, tags)
    return {"EndpointConfigArn": arn}


def _check_variant(call: Call, variant: Params, count: int) -> None:
    name = variant["VariantName"]
    if "ModelName" not in variant:
        raise validation(f"Variant {name} has no ModelName: inference components are not here yet")
    models.find(call, variant["ModelName"])
    if "AcceleratorType" in variant:
        raise validation("Elastic Inference accelerators are no longer supported")
    if "ServerlessConfig" in variant:
        _check_serverless_variant(variant, count)
        return
    if ("InstanceType" in variant) == ("InstancePools" in variant):
        raise validation(f"Variant {name} needs exactly one of InstanceType and InstancePools")
    if "InitialInstanceCount" not in variant:
        raise validation(f"Variant {name} needs InitialInstanceCount")


def _check_serverless_variant(variant: Params, count: int) -> None:
    for member in ("InstanceType", "InitialInstanceCount", "InstancePools"):
        if member in variant:
            raise validation(f"{member} cannot be specified with ServerlessConfig")
    serverless = variant["ServerlessConfig"]
    if count > 1:
        raise validation("A serverless endpoint has exactly one production variant")
    if serverless["MemorySizeInMB"] % 1024:
        raise validation("MemorySizeInMB must be a multiple of 1024")
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise validation("ProvisionedConcurrency must not be above MaxConcurrency")


def _check_serverless(params: Params) -> None:
    capture = params.get("DataCaptureConfig")
    if capture and capture.get("EnableCapture", True):
        raise validation("Data capture is not supported for serverless endpoints")
    if "VpcConfig" in params or params.get("EnableNetworkIsolation"):
        raise validation("Serverless endpoints support neither VPC nor network isolation")


def find(call: Call, name: str) -> Record:
    record = call.app.store.get(CONFIG, call.region, name)
    if record is None:
        arn = call.arn(f"endpoint-config/{name}")
        raise validation(f'Could not find endpoint configuration "{arn}".')
    return record


@operation("DescribeEndpointConfig")
def describe(call: Call, params: Params) -> Params:
    return find(call, params["EndpointConfigName"])


@operation("ListEndpointConfigs")
def list_configs(call: Call, params: Params) -> Params:
    records = call.app.store.all(CONFIG, call.region)
    found, more = page(records, params, name="EndpointConfigName", default_order="Descending")
    return {"EndpointConfigs": found, **more}


@operation("DeleteEndpointConfig")
def delete(call: Call, params: Params) -> Params:
    name = find(call, params["EndpointConfigName"])["EndpointConfigName"]
    call.app.store.delete(CONFIG, call.region, name)
    return {}
