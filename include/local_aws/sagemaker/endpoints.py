"""Endpoints: created, updated, deleted. An update switches only when the new servers answer."""

from __future__ import annotations

from local_aws.app import App
from local_aws.errors import validation
from local_aws.execution.fleet import CONFIG, ENDPOINT, find_model, touch
from local_aws.execution.states import now
from local_aws.sagemaker import endpoint_configs
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

UPDATABLE = {"InService", "OutOfService", "UpdateRollbackFailed"}

# Statuses as EventBridge spells them.
_EVENT_STATUS = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "InService": "IN_SERVICE",
    "Deleting": "DELETING",
    "Failed": "FAILED",
    "OutOfService": "OUT_OF_SERVICE",
}


@operation("CreateEndpoint")
def create(call: Call, params: Params) -> Params:
    name, tags = params["EndpointName"], tags_of(params)
    arn = call.arn(f"endpoint/{name}")
    config = endpoint_configs.find(call, params["EndpointConfigName"])
    record: Record = {
        "EndpointName": name,
        "EndpointArn": arn,
        "_arn": arn,
        "EndpointConfigName": config["EndpointConfigName"],
        "CreationTime": now(),
    }
    if "DeploymentConfig" in params:
        record["LastDeploymentConfig"] = params["DeploymentConfig"]
    touch(record, "Creating")
    try:
        call.app.store.create(ENDPOINT, call.region, name, record)
    except Exists as error:
        raise validation(f'Cannot create already existing endpoint "{arn}".') from error
    call.app.store.tag(arn, tags)
    _publish(call.app, call.region, record)
    deploy(call.app, call.region, name, config)
    return {"EndpointArn": arn}


def deploy(app: App, region: str, name: str, config: Record) -> None:
    """Bring an endpoint to a configuration; its record says how that went."""

    def done(problem: str | None) -> None:
        def change(record: Record) -> None:
            record.pop("PendingDeploymentSummary", None)
            record.pop("FailureReason", None)
            if problem is None:
                record.update(_serving(app, region, config))
                touch(record, "InService")
                return
            record["FailureReason"] = problem[:1024]
            touch(record, "InService" if app.fleet.find(region, name) else "Failed")

        try:
            _publish(app, region, app.store.update(ENDPOINT, region, name, change))
        except KeyError:
            app.fleet.remove(region, name)

    app.fleet.deploy(region, name, config, done)


def _serving(app: App, region: str, config: Record) -> Record:
    """What DescribeEndpoint shows of the configuration that serves."""
    members: Record = {"EndpointConfigName": config["EndpointConfigName"]}
    members["ProductionVariants"] = [_variant(app, region, v) for v in config["ProductionVariants"]]
    capture = config.get("DataCaptureConfig")
    if capture:
        enabled = capture.get("EnableCapture", True)
        members["DataCaptureConfig"] = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    return members


def _variant(app: App, region: str, definition: Params) -> Record:
    image = find_model(app, region, definition)["PrimaryContainer"]["Image"]
    weight = definition["InitialVariantWeight"]
    deployed = {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now()}
    summary: Record = {
        "VariantName": definition["VariantName"],
        "DeployedImages": [deployed],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
    }
    if "ServerlessConfig" in definition:
        serverless = definition["ServerlessConfig"]
        summary |= {"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
        summary |= {"CurrentInstanceCount": 0, "DesiredInstanceCount": 0}
        return summary
    count = definition["InitialInstanceCount"]
    summary |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
    for member in ("ManagedInstanceScaling", "RoutingConfig"):
        summary |= {member: definition[member]} if member in definition else {}
    return summary


@operation("UpdateEndpoint")
def update(call: Call, params: Params) -> Params:
    record = find(call, params["EndpointName"])
    config = endpoint_configs.find(call, params["EndpointConfigName"])
    name, region = record["EndpointName"], call.region
    _check_update(call, record, config)

    def change(latest: Record) -> None:
        if latest["EndpointStatus"] not in UPDATABLE:
            raise validation(f'Cannot update in-progress endpoint "{latest["EndpointArn"]}".')
        variants = [{"VariantName": v["VariantName"]} for v in config["ProductionVariants"]]
        latest["PendingDeploymentSummary"] = {
            "EndpointConfigName": config["EndpointConfigName"],
            "ProductionVariants": variants,
            "StartTime": now(),
        }
        if "DeploymentConfig" in params:
            latest["LastDeploymentConfig"] = params["DeploymentConfig"]
        elif not params.get("RetainDeploymentConfig"):
            latest.pop("LastDeploymentConfig", None)
        latest.pop("FailureReason", None)
        touch(latest, "Updating")

    _publish(call.app, region, call.app.store.update(ENDPOINT, region, name, change))
    deploy(call.app, region, name, config)
    return {"EndpointArn": record["EndpointArn"]}


def _check_update(call: Call, record: Record, config: Record) -> None:
    """An instance-backed endpoint cannot become serverless... the other way round it can."""
    current = call.app.store.get(CONFIG, call.region, record["EndpointConfigName"])
    if current is None:
        return
    was, becomes = (
        any("ServerlessConfig" in v for v in c["ProductionVariants"]) for c in (current, config)
    )
    if becomes and not was:
        raise validation(
            "Cannot update an instance-based endpoint to a serverless one: create a new endpoint"
        )


def find(call: Call, name: str) -> Record:
    record = call.app.store.get(ENDPOINT, call.region, name)
    if record is None:
        raise validation(f'Could not find endpoint "{call.arn(f"endpoint/{name}")}".')
    return record


@operation("DescribeEndpoint")
def describe(call: Call, params: Params) -> Params:
    return find(call, params["EndpointName"])


@operation("ListEndpoints")
def list_endpoints(call: Call, params: Params) -> Params:
    records = call.app.store.all(ENDPOINT, call.region)
    found, more = page(
        records,
        params,
        name="EndpointName",
        status="EndpointStatus",
        default_order="Descending",
    )
    return {"Endpoints": found, **more}


@operation("DeleteEndpoint")
def delete(call: Call, params: Params) -> Params:
    record = find(call, params["EndpointName"])
    name, region = record["EndpointName"], call.region
    if record["EndpointStatus"] == "Updating":
        raise validation(f'Cannot delete in-progress endpoint "{record["EndpointArn"]}".')
    gone = call.app.store.update(ENDPOINT, region, name, lambda r: touch(r, "Deleting"))
    _publish(call.app, region, gone)
    call.app.fleet.remove(region, name)
    call.app.store.delete(ENDPOINT, region, name)
    return {}


def _publish(app: App, region: str, record: Record) -> None:
    known = ("EndpointName", "EndpointArn", "EndpointConfigName", "FailureReason")
    detail = {k: record[k] for k in known if k in record}
    detail |= {k: int(record[k] * 1000) for k in ("CreationTime", "LastModifiedTime")}
    detail["EndpointStatus"] = _EVENT_STATUS.get(record["EndpointStatus"], record["EndpointStatus"])
    detail["Tags"] = app.store.tags(record["EndpointArn"])
    app.telemetry.event(region, "SageMaker Endpoint State Change", detail, [record["EndpointArn"]])


def settle(app: App) -> None:
    """After a restart: servers start again; an unfinished update starts over after them."""
    for region, name, record in app.store.every(ENDPOINT):
        status = record["EndpointStatus"]
        if status == "Deleting":
            app.store.delete(ENDPOINT, region, name)
        elif status != "Failed":
            _restart(app, region, name, record)


def _restart(app: App, region: str, name: str, record: Record) -> None:
    config = app.store.get(CONFIG, region, record["EndpointConfigName"])
    if config is None:
        app.store.update(ENDPOINT, region, name, lambda latest: touch(latest, "OutOfService"))
        return
    pending = record.get("PendingDeploymentSummary", {}).get("EndpointConfigName", "")
    update_to = app.store.get(CONFIG, region, pending)
    if update_to is None:
        deploy(app, region, name, config)
        return
    app.fleet.deploy(region, name, config, lambda problem: deploy(app, region, name, update_to))
