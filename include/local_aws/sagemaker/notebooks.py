"""Notebook instances: their states and refusals. No notebook runs, nor a lifecycle configuration's scripts."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.execution.lifecycle import Lifecycle, Passing
from local_aws.sagemaker import notebook_configs
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

NOTEBOOK = "notebook-instance"
LIFECYCLE = Lifecycle(
    NOTEBOOK,
    "NotebookInstanceStatus",
    {
        "Pending": Passing(30, "InService"),
        "Stopping": Passing(10, "Stopped"),
        "Updating": Passing(10, "Stopped"),
        "Deleting": Passing(10, None),
    },
)

# Request member -> the member of the description that it becomes.
_RENAMED = {
    "LifecycleConfigName": "NotebookInstanceLifecycleConfigName",
    "SecurityGroupIds": "SecurityGroups",
}
# What UpdateNotebookInstance removes -> the flag that asks for it.
_REMOVED = {
    "NotebookInstanceLifecycleConfigName": "DisassociateLifecycleConfig",
    "DefaultCodeRepository": "DisassociateDefaultCodeRepository",
    "AdditionalCodeRepositories": "DisassociateAdditionalCodeRepositories",
    "AcceleratorTypes": "DisassociateAcceleratorTypes",
}
_DEFAULTS = {
    "VolumeSizeInGB": 5,
    "DirectInternetAccess": "Enabled",
    "RootAccess": "Enabled",
    "IpAddressType": "ipv4",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
}
_ENDED = ("Stopped", "Failed")


@operation("CreateNotebookInstance")
def create(call: Call, params: Params) -> Params:
    name, tags = params["NotebookInstanceName"], tags_of(params)
    _check_config(call, params)
    arn = call.arn(f"{NOTEBOOK}/{name}")
    record: Record = _DEFAULTS | _described(params)
    record |= {"NotebookInstanceArn": arn, "_arn": arn}
    record["Url"] = f"{name.lower()}.notebook.{call.region}.sagemaker.aws"
    try:
        LIFECYCLE.create(call.app, call.region, name, record, "Pending")
    except Exists as error:
        raise validation(f"Cannot create a duplicate Notebook Instance ({arn})") from error
    call.app.store.tag(arn, tags)
    return {"NotebookInstanceArn": arn}


def _check_config(call: Call, params: Params) -> None:
    if "LifecycleConfigName" in params:
        notebook_configs.find(call, params["LifecycleConfigName"], "describe")


def _described(params: Params) -> Record:
    return {_RENAMED.get(k, k): v for k, v in params.items() if k != "Tags"}


def find(call: Call, params: Params) -> Record:
    record = call.app.store.get(NOTEBOOK, call.region, params["NotebookInstanceName"])
    if record is None:
        raise validation("RecordNotFound")
    return record


@operation("DescribeNotebookInstance")
def describe(call: Call, params: Params) -> Params:
    return find(call, params)


@operation("ListNotebookInstances")
def list_notebooks(call: Call, params: Params) -> Params:
    records = call.app.store.all(NOTEBOOK, call.region)
    if wanted := params.get("AdditionalCodeRepositoryEquals"):
        records = [r for r in records if wanted in r.get("AdditionalCodeRepositories", [])]
    found, more = page(
        records,
        {k: v for k, v in params.items() if k != "AdditionalCodeRepositoryEquals"},
        name="NotebookInstanceName",
        status="NotebookInstanceStatus",
        default_sort="Name",
        contains={
            "NotebookInstanceLifecycleConfigNameContains": "NotebookInstanceLifecycleConfigName",
            "DefaultCodeRepositoryContains": "DefaultCodeRepository",
        },
    )
    return {"NotebookInstances": found, **more}


def _move(
    call: Call, params: Params, allowed: tuple[str, ...], status: str, **more: object
) -> None:
    """Enter a status. Raises `ValidationException` unless the notebook is in an allowed one."""

    def check(record: Record) -> None:
        if record["NotebookInstanceStatus"] not in allowed:
            raise validation(
                f"Status ({record['NotebookInstanceStatus']}) not in ([{', '.join(allowed)}]). Unable "
                f"to transition to ({status}) for Notebook Instance ({record['NotebookInstanceArn']})"
            )

    try:
        name = params["NotebookInstanceName"]
        LIFECYCLE.enter(call.app, call.region, name, status, check, **more)
    except KeyError as error:
        raise validation("RecordNotFound") from error


@operation("StartNotebookInstance")
def start(call: Call, params: Params) -> Params:
    _move(call, params, _ENDED, "Pending")
    return {}


@operation("StopNotebookInstance")
def stop(call: Call, params: Params) -> Params:
    _move(call, params, ("InService",), "Stopping")
    return {}


@operation("DeleteNotebookInstance")
def delete(call: Call, params: Params) -> Params:
    _move(call, params, _ENDED, "Deleting")
    return {}


@operation("UpdateNotebookInstance")
def update(call: Call, params: Params) -> Params:
    _check_config(call, params)
    removed = {member: None for member, flag in _REMOVED.items() if params.get(flag)}
    given = _described({k: v for k, v in params.items() if k not in _REMOVED.values()})
    if clash := removed.keys() & given.keys():
        raise validation(f"{', '.join(sorted(clash))} cannot be both set and disassociated")
    given.pop("NotebookInstanceName")
    _move(call, params, _ENDED, "Updating", **given, **removed)
    return {}


@operation("CreatePresignedNotebookInstanceUrl")
def presign(call: Call, params: Params) -> Params:
    """Raises for a notebook that is not in service; what it leads to is not there."""
    record = find(call, params)
    if record["NotebookInstanceStatus"] != "InService":
        raise validation(f"{record['NotebookInstanceArn']} is {record['NotebookInstanceStatus']}")
    return {"AuthorizedUrl": f"https://{record['Url']}?authToken=local"}
