"""Endpoints changed while they serve: to another configuration, to other capacities and weights."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable

from local_aws.errors import validation
from local_aws.execution.fleet import ENDPOINT
from local_aws.execution.model_server import ServerFailed
from local_aws.execution.serverless import ServerlessVariant
from local_aws.execution.states import now
from local_aws.execution.variant import Variant
from local_aws.sagemaker import endpoint_configs, endpoints
from local_aws.sagemaker.deployment_rules import check_deployment
from local_aws.sagemaker.deployments import deploy, plan_for, publish, touch
from local_aws.sagemaker.endpoint_rules import check_concurrency, check_quota, instances_in
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.store import Record

UPDATABLE = {"InService", "OutOfService", "UpdateRollbackFailed"}


@operation("UpdateEndpoint")
def update(call: Call, params: Params) -> Params:
    record = endpoints.find(call, params["EndpointName"])
    config = endpoint_configs.find(call, params["EndpointConfigName"])
    name, region = record["EndpointName"], call.region
    if params.get("RetainAllVariantProperties"):
        excluded = params.get("ExcludeRetainedVariantProperties", [])
        config = retained(config, record, {e["VariantPropertyType"] for e in excluded})
    deployment = params.get("DeploymentConfig")
    if deployment is None and params.get("RetainDeploymentConfig"):
        deployment = record.get("LastDeploymentConfig")
    check_deployment(call, record, config, deployment)
    call.app.autoscaling.check_update(region, name, record.get("_config"), config)
    check_quota(call, instances_in(config))

    def change(latest: Record) -> None:
        _check_updatable(latest)
        variants = [{"VariantName": v["VariantName"]} for v in config["ProductionVariants"]]
        latest["PendingDeploymentSummary"] = {
            "EndpointConfigName": config["EndpointConfigName"],
            "ProductionVariants": variants,
            "StartTime": now(),
        }
        latest["_pending"] = config
        latest.pop("LastDeploymentConfig", None)
        if deployment is not None:
            latest["LastDeploymentConfig"] = deployment
        latest.pop("FailureReason", None)
        touch(latest, "Updating")

    record = call.app.store.update(ENDPOINT, region, name, change)
    publish(call.app, region, record)
    deploy(call.app, region, name, config, plan_for(record, config))
    return {"EndpointArn": record["EndpointArn"]}


def _check_updatable(record: Record) -> None:
    if record["EndpointStatus"] not in UPDATABLE:
        raise validation(f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')


def retained(config: Record, record: Record, excluded: set[str]) -> Record:
    """The configuration with what the endpoint's variants have now: RetainAllVariantProperties."""
    result = copy.deepcopy(config)
    current = {v["VariantName"]: v for v in record.get("ProductionVariants", [])}
    for variant in result["ProductionVariants"]:
        now_is = current.get(variant["VariantName"])
        if now_is is None:
            continue
        if "DesiredInstanceCount" not in excluded and "InitialInstanceCount" in variant:
            variant["InitialInstanceCount"] = now_is["DesiredInstanceCount"]
        if "DesiredWeight" not in excluded:
            variant["InitialVariantWeight"] = now_is["DesiredWeight"]
    serving = record.get("_config", {})
    if "DataCaptureConfig" not in excluded and "DataCaptureConfig" in serving:
        result["DataCaptureConfig"] = serving["DataCaptureConfig"]
    return result


@operation("UpdateEndpointWeightsAndCapacities")
def scale(call: Call, params: Params) -> Params:
    record = endpoints.find(call, params["EndpointName"])
    wanted = {w["VariantName"]: w for w in params["DesiredWeightsAndCapacities"]}

    def change(latest: Record) -> None:
        _check_updatable(latest)
        config = copy.deepcopy(latest["_config"])
        variants = {v["VariantName"]: v for v in config["ProductionVariants"]}
        _check_wanted(call, latest, variants, wanted)
        shown = {v["VariantName"]: v for v in latest["ProductionVariants"]}
        for name, asked in wanted.items():
            _apply(variants[name], shown[name], asked)
        latest["_config"] = config
        latest.pop("FailureReason", None)
        touch(latest, "Updating")

    name, region = record["EndpointName"], call.region
    record = call.app.store.update(ENDPOINT, region, name, change)
    publish(call.app, region, record)
    arguments = (call, name, record["_config"], list(wanted))
    threading.Thread(target=_scale, args=arguments, name=f"scale/{name}", daemon=True).start()
    return {"EndpointArn": record["EndpointArn"]}


def _check_wanted(call: Call, record: Record, variants: Params, wanted: Params) -> None:
    more = 0
    for name, asked in wanted.items():
        if name not in variants:
            arn = record["EndpointArn"]
            raise validation(f'The endpoint "{arn}" has no variant {name}.')
        definition = variants[name]
        serverless = "ServerlessConfig" in definition
        if "DesiredInstanceCount" in asked:
            count = asked["DesiredInstanceCount"]
            if serverless:
                raise validation(
                    "DesiredInstanceCount cannot be specified for a serverless variant"
                )
            if count == 0 and "AsyncInferenceConfig" not in record["_config"]:
                raise validation(
                    "DesiredInstanceCount must be at least 1: only asynchronous endpoints, and those "
                    "that host inference components, scale to zero instances"
                )
            more += count - definition["InitialInstanceCount"]
        if "ServerlessUpdateConfig" in asked:
            if not serverless:
                raise validation("ServerlessUpdateConfig needs a serverless variant")
            check_concurrency(definition["ServerlessConfig"] | asked["ServerlessUpdateConfig"])
    check_quota(call, max(0, more))


def _apply(definition: Params, shown: Record, asked: Params) -> None:
    """Write what is wanted of a variant into its definition and its summary."""
    if "DesiredInstanceCount" in asked:
        definition["InitialInstanceCount"] = asked["DesiredInstanceCount"]
        shown["DesiredInstanceCount"] = asked["DesiredInstanceCount"]
    if "DesiredWeight" in asked:
        definition["InitialVariantWeight"] = shown["DesiredWeight"] = asked["DesiredWeight"]
    if "ServerlessUpdateConfig" in asked:
        changed = definition["ServerlessConfig"] | asked["ServerlessUpdateConfig"]
        definition["ServerlessConfig"] = shown["DesiredServerlessConfig"] = changed


def _scale(call: Call, name: str, config: Record, names: list[str]) -> None:
    """Bring variants to what the configuration says; the record follows."""
    traffic = call.app.fleet.find(call.region, name)
    if traffic is None or traffic.serving is None:
        return
    variants = traffic.serving.variants
    problem = ""
    for definition in config["ProductionVariants"]:
        if definition["VariantName"] not in names:
            continue
        variant = variants[definition["VariantName"]]
        try:
            _bring(variant, definition)
        except ServerFailed as error:
            problem = str(error)
            definition["InitialInstanceCount"] = variant.instances.count
        variant.definition = definition

    def change(latest: Record) -> None:
        latest["_config"] = config
        for shown in latest["ProductionVariants"]:
            shown.update(variants[shown["VariantName"]].summary())
            if problem and "DesiredInstanceCount" in shown:
                shown["DesiredInstanceCount"] = shown["CurrentInstanceCount"]
        if problem:
            latest["FailureReason"] = problem[:1024]
        touch(latest, "InService")

    _write(call, name, change)


def _bring(variant: Variant, definition: Params) -> None:
    variant.weight = definition["InitialVariantWeight"]
    if isinstance(variant, ServerlessVariant):
        variant.configure(definition["ServerlessConfig"])
    elif variant.instances.count != definition["InitialInstanceCount"]:
        variant.scale(definition["InitialInstanceCount"])


def _write(call: Call, name: str, change: Callable[[Record], None]) -> None:
    try:
        publish(call.app, call.region, call.app.store.update(ENDPOINT, call.region, name, change))
    except KeyError:
        call.app.fleet.remove(call.region, name)
