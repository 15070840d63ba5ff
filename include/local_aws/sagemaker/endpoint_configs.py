"""Endpoint configurations: checked, kept, given back."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.execution.fleet import CONFIG
from local_aws.execution.states import now
from local_aws.sagemaker.endpoint_rules import check_config
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record


@operation("CreateEndpointConfig")
def create(call: Call, params: Params) -> Params:
    name, tags = params["EndpointConfigName"], tags_of(params)
    check_config(call, params)
    for variant in [*params["ProductionVariants"], *params.get("ShadowProductionVariants", [])]:
        variant.setdefault("InitialVariantWeight", 1.0)
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
