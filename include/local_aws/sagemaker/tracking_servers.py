"""MLflow tracking servers: their states and refusals. No MLflow runs.

After the developer guide, "Accelerate generative AI development using managed MLflow" (create, stop, start,
delete); which states an update or a deletion is taken in is not verified against AWS.
"""

from __future__ import annotations

from local_aws.errors import conflict, not_found, validation
from local_aws.execution.lifecycle import Lifecycle, Passing
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

SERVER = "mlflow-tracking-server"
LIFECYCLE = Lifecycle(
    SERVER,
    "TrackingServerStatus",
    {
        "Creating": Passing(30, "Created"),
        "Updating": Passing(20, "Updated"),
        "Stopping": Passing(10, "Stopped"),
        "Starting": Passing(20, "Started"),
        "Deleting": Passing(10, None),
    },
)
RUNNING = ("Created", "Started", "Updated", "MaintenanceComplete")
_FAILED = ("CreateFailed", "UpdateFailed", "StopFailed", "StartFailed", "DeleteFailed")
_DEFAULTS = {
    "TrackingServerSize": "Small",
    "MlflowVersion": "3.0.0",
    "AutomaticModelRegistration": False,
}


@operation("CreateMlflowTrackingServer")
def create(call: Call, params: Params) -> Params:
    name, tags = params["TrackingServerName"], tags_of(params)
    arn = call.arn(f"{SERVER}/{name}")
    record: Record = _DEFAULTS | {k: v for k, v in params.items() if k != "Tags"}
    record |= {"TrackingServerArn": arn, "_arn": arn}
    try:
        LIFECYCLE.create(call.app, call.region, name, record, "Creating")
    except Exists as error:
        raise validation(f"Tracking server {arn} already exists") from error
    call.app.store.tag(arn, tags)
    return {"TrackingServerArn": arn}


def find(call: Call, params: Params) -> Record:
    name = params["TrackingServerName"]
    record = call.app.store.get(SERVER, call.region, name)
    if record is None:
        raise not_found(f"Could not find tracking server {call.arn(f'{SERVER}/{name}')}")
    return record


def _shown(record: Record) -> Record:
    active = record["TrackingServerStatus"] in RUNNING
    return record | {"IsActive": "Active" if active else "Inactive"}


@operation("DescribeMlflowTrackingServer")
def describe(call: Call, params: Params) -> Params:
    record = _shown(find(call, params))
    if record["IsActive"] == "Active":
        region = record["_arn"].split(":")[3]
        record["TrackingServerUrl"] = f"https://local.experiments.sagemaker.{region}.app.aws"
    return record


@operation("ListMlflowTrackingServers")
def list_servers(call: Call, params: Params) -> Params:
    same = {member: member for member in ("TrackingServerStatus", "MlflowVersion")}
    found, more = page(
        call.app.store.all(SERVER, call.region),
        params,
        name="TrackingServerName",
        status="TrackingServerStatus",
        default_order="Descending",
        equals=same,
    )
    return {"TrackingServerSummaries": [_shown(record) for record in found], **more}


def _move(call: Call, params: Params, allowed: tuple[str, ...], status: str) -> Params:
    """Enter a status with what the request sets. Raises `ConflictException` unless it is in an allowed one."""

    def check(record: Record) -> None:
        if record["TrackingServerStatus"] not in allowed:
            raise conflict(
                f"{record['TrackingServerArn']} is {record['TrackingServerStatus']}: {status} needs one "
                f"of {', '.join(allowed)}"
            )

    name = find(call, params)["TrackingServerName"]
    record = LIFECYCLE.enter(call.app, call.region, name, status, check, **params)
    return {"TrackingServerArn": record["TrackingServerArn"]}


@operation("StartMlflowTrackingServer")
def start(call: Call, params: Params) -> Params:
    return _move(call, params, ("Stopped", "StartFailed"), "Starting")


@operation("StopMlflowTrackingServer")
def stop(call: Call, params: Params) -> Params:
    return _move(call, params, (*RUNNING, "StopFailed"), "Stopping")


@operation("UpdateMlflowTrackingServer")
def update(call: Call, params: Params) -> Params:
    return _move(call, params, (*RUNNING, "UpdateFailed"), "Updating")


@operation("DeleteMlflowTrackingServer")
def delete(call: Call, params: Params) -> Params:
    """Its artefacts stay in S3."""
    return _move(call, params, (*RUNNING, "Stopped", *_FAILED), "Deleting")
