"""Endpoints: created, described, deleted, and brought back after a restart."""

from __future__ import annotations

from local_aws.app import App
from local_aws.errors import validation
from local_aws.execution.components import COMPONENT
from local_aws.execution.fleet import CONFIG, ENDPOINT
from local_aws.execution.rollout_plan import ALL_AT_ONCE
from local_aws.execution.states import SCHEDULE, now
from local_aws.sagemaker import endpoint_configs
from local_aws.sagemaker.deployments import Entry, deploy, plan_for, publish, touch
from local_aws.sagemaker.endpoint_rules import check_quota, instances_in
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

IN_PROGRESS = frozenset({"Updating", "SystemUpdating", "RollingBack"})


@operation("CreateEndpoint")
def create(call: Call, params: Params) -> Params:
    name, tags = params["EndpointName"], tags_of(params)
    arn = call.arn(f"endpoint/{name}")
    config = endpoint_configs.find(call, params["EndpointConfigName"])
    check_quota(call, instances_in(config))
    record: Record = {
        "EndpointName": name,
        "EndpointArn": arn,
        "_arn": arn,
        "EndpointConfigName": config["EndpointConfigName"],
        "_config": config,
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
    publish(call.app, call.region, record)
    deploy(call.app, call.region, name, config)
    return {"EndpointArn": arn}


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

    def change(latest: Record) -> None:
        if latest["EndpointStatus"] in IN_PROGRESS:
            raise validation(f'Cannot delete in-progress endpoint "{latest["EndpointArn"]}".')
        if any(c["EndpointName"] == name for c in call.app.store.all(COMPONENT, region)):
            raise validation(
                f'Cannot delete the endpoint "{latest["EndpointArn"]}": delete the inference components '
                "that it hosts first"
            )
        if any(s["EndpointName"] == name for s in call.app.store.all(SCHEDULE, region)):
            raise validation(
                f'Cannot delete the endpoint "{latest["EndpointArn"]}": delete its monitoring schedules '
                "first"
            )
        touch(latest, "Deleting")

    publish(call.app, region, call.app.store.update(ENDPOINT, region, name, change))
    call.app.autoscaling.deregister(region, endpoint=name)
    call.app.fleet.remove(region, name)
    call.app.store.delete(ENDPOINT, region, name)
    return {}


def settle(app: App) -> None:
    """After a restart: servers start again, as many as there were; an unfinished update starts over
    after them."""
    for region, name, record in app.store.every(ENDPOINT):
        status = record["EndpointStatus"]
        if status == "Deleting":
            app.store.delete(ENDPOINT, region, name)
        elif status != "Failed":
            _restart(app, region, name, record)


def _restart(app: App, region: str, name: str, record: Record) -> None:
    config = record.get("_config") or app.store.get(CONFIG, region, record["EndpointConfigName"])
    if config is None:
        app.store.update(ENDPOINT, region, name, lambda latest: touch(latest, "OutOfService"))
    elif "_pending" in record:
        app.fleet.deploy(region, name, config, ALL_AT_ONCE, _Resumed(app, region, name, config))
    else:
        deploy(app, region, name, config)


class _Resumed(Entry):
    """The journal of what served before an update that a restart interrupted: the update follows."""

    def ended(self, problem: str | None, *, rollback_failed: bool = False) -> None:
        record = self._app.store.get(ENDPOINT, self._region, self._name)
        if record is None or problem is not None:
            super().ended(problem, rollback_failed=rollback_failed)
            return
        config = record["_pending"]
        deploy(self._app, self._region, self._name, config, plan_for(record, config))
