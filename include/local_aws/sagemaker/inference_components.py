"""Inference components: created, updated, scaled and deleted on an endpoint that hosts them."""

from __future__ import annotations

from local_aws.app import App
from local_aws.errors import validation
from local_aws.execution.components import COMPONENT
from local_aws.execution.fleet import ENDPOINT
from local_aws.execution.states import now
from local_aws.sagemaker import component_changes as changes
from local_aws.sagemaker import endpoints
from local_aws.sagemaker.component_rules import check_fit, check_specification, host_of
from local_aws.sagemaker.deployment_rules import check_alarms, check_rolling
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

IN_PROGRESS = frozenset({"Creating", "Updating", "Deleting"})


@operation("CreateInferenceComponent")
def create(call: Call, params: Params) -> Params:
    name, tags = params["InferenceComponentName"], tags_of(params)
    arn = call.arn(f"inference-component/{name}")
    endpoint = endpoints.find(call, params["EndpointName"])
    if endpoint["EndpointStatus"] != "InService":
        raise validation(
            f'Cannot create an inference component on the endpoint "{endpoint["EndpointArn"]}", which '
            f"is {endpoint['EndpointStatus']}"
        )
    variant = host_of(endpoint, params.get("VariantName"))
    specification = check_specification(call, params)
    if "RuntimeConfig" not in params:
        raise validation("RuntimeConfig is required to create an inference component")
    copies = params["RuntimeConfig"]["CopyCount"]
    record: Record = {
        "InferenceComponentName": name,
        "InferenceComponentArn": arn,
        "_arn": arn,
        "EndpointName": endpoint["EndpointName"],
        "EndpointArn": endpoint["EndpointArn"],
        "VariantName": variant,
        "_specification": specification,
        "RuntimeConfig": {"DesiredCopyCount": copies, "CurrentCopyCount": 0},
        "CreationTime": now(),
    }
    check_fit(call, record)
    changes.touch(record, "Creating")
    try:
        call.app.store.create(COMPONENT, call.region, name, record)
    except Exists as error:
        raise validation(f'Cannot create already existing inference component "{arn}".') from error
    call.app.store.tag(arn, tags)
    changes.bring(call.app, call.region, record)
    return {"InferenceComponentArn": arn}


def find(call: Call, name: str) -> Record:
    record = call.app.store.get(COMPONENT, call.region, name)
    if record is None:
        arn = call.arn(f"inference-component/{name}")
        raise validation(f'Could not find inference component "{arn}".')
    return record


@operation("DescribeInferenceComponent")
def describe(call: Call, params: Params) -> Params:
    record = find(call, params["InferenceComponentName"])
    return record | {"Specification": changes.shown(call, record)}


@operation("ListInferenceComponents")
def list_components(call: Call, params: Params) -> Params:
    found, more = page(
        call.app.store.all(COMPONENT, call.region),
        params,
        name="InferenceComponentName",
        status="InferenceComponentStatus",
        default_order="Descending",
        equals={"EndpointNameEquals": "EndpointName", "VariantNameEquals": "VariantName"},
    )
    return {"InferenceComponents": found, **more}


@operation("UpdateInferenceComponent")
def update(call: Call, params: Params) -> Params:
    record = find(call, params["InferenceComponentName"])
    specification = record["_specification"]
    if "Specification" in params or "Specifications" in params:
        specification = check_specification(call, params)
    copies = params.get("RuntimeConfig", {}).get("CopyCount")
    desired = record["RuntimeConfig"]["DesiredCopyCount"] if copies is None else copies
    check_alarms(call, params.get("DeploymentConfig", {}))
    if policy := params.get("DeploymentConfig", {}).get("RollingUpdatePolicy"):
        check_rolling(policy, max(1, desired))

    def change(latest: Record) -> None:
        _check_idle(latest, "update")
        latest["_specification"] = specification
        latest["RuntimeConfig"]["DesiredCopyCount"] = desired
        latest.pop("LastDeploymentConfig", None)
        if "DeploymentConfig" in params:
            latest["LastDeploymentConfig"] = params["DeploymentConfig"]
        _begin(call, latest)

    replaced = specification != record["_specification"]
    record = call.app.store.update(COMPONENT, call.region, record["InferenceComponentName"], change)
    changes.bring(call.app, call.region, record, replace=replaced)
    return {"InferenceComponentArn": record["InferenceComponentArn"]}


@operation("UpdateInferenceComponentRuntimeConfig")
def scale(call: Call, params: Params) -> Params:
    record = find(call, params["InferenceComponentName"])

    def change(latest: Record) -> None:
        _check_idle(latest, "update")
        latest["RuntimeConfig"]["DesiredCopyCount"] = params["DesiredRuntimeConfig"]["CopyCount"]
        _begin(call, latest)

    record = call.app.store.update(COMPONENT, call.region, record["InferenceComponentName"], change)
    changes.bring(call.app, call.region, record)
    return {"InferenceComponentArn": record["InferenceComponentArn"]}


def _begin(call: Call, record: Record) -> None:
    check_fit(call, record)
    record.pop("FailureReason", None)
    changes.touch(record, "Updating")


def _check_idle(record: Record, what: str) -> None:
    if record["InferenceComponentStatus"] in IN_PROGRESS:
        arn = record["InferenceComponentArn"]
        raise validation(f'Cannot {what} in-progress inference component "{arn}".')


@operation("DeleteInferenceComponent")
def delete(call: Call, params: Params) -> Params:
    record = find(call, params["InferenceComponentName"])

    def change(latest: Record) -> None:
        if latest["InferenceComponentStatus"] != "Creating":
            _check_idle(latest, "delete")
        changes.touch(latest, "Deleting")

    record = call.app.store.update(COMPONENT, call.region, record["InferenceComponentName"], change)
    component = record["InferenceComponentName"]
    call.app.autoscaling.deregister(call.region, component=component)
    changes.remove(call.app, call.region, record)
    return {}


def settle(app: App) -> None:
    """After a restart: copies start again, as many as were wanted."""
    for region, name, record in app.store.every(COMPONENT):
        status = record["InferenceComponentStatus"]
        endpoint = app.store.get(ENDPOINT, region, record["EndpointName"])
        if status == "Deleting" or endpoint is None:
            app.store.delete(COMPONENT, region, name)
        elif status != "Failed":
            changes.bring(app, region, record)
