"""Lifecycle configurations of notebook instances: kept, given back, and not deleted while one has them."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.execution.states import now
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

CONFIG = "notebook-instance-lifecycle-config"
NAME = "NotebookInstanceLifecycleConfigName"
ARN = "NotebookInstanceLifecycleConfigArn"
_NOUN = "Notebook Instance Lifecycle Config"


@operation("CreateNotebookInstanceLifecycleConfig")
def create(call: Call, params: Params) -> Params:
    name, tags = params[NAME], tags_of(params)
    arn = call.arn(f"{CONFIG}/{name}")
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record |= {ARN: arn, "_arn": arn, "CreationTime": now(), "LastModifiedTime": now()}
    try:
        call.app.store.create(CONFIG, call.region, name, record)
    except Exists as error:
        raise validation(
            f"Unable to create {_NOUN} {arn}. (Details: {_NOUN} already exists.)"
        ) from error
    call.app.store.tag(arn, tags)
    return {ARN: arn}


def find(call: Call, name: str, purpose: str) -> Record:
    """Raises `ValidationException`, whose message says what could not be done."""
    record = call.app.store.get(CONFIG, call.region, name)
    if record is None:
        arn = call.arn(f"{CONFIG}/{name}")
        raise validation(f"Unable to {purpose} {_NOUN} '{arn}'. (Details: {_NOUN} does not exist.)")
    return record


@operation("DescribeNotebookInstanceLifecycleConfig")
def describe(call: Call, params: Params) -> Params:
    return find(call, params[NAME], "describe")


@operation("ListNotebookInstanceLifecycleConfigs")
def list_configs(call: Call, params: Params) -> Params:
    found, more = page(
        call.app.store.all(CONFIG, call.region),
        params,
        name=NAME,
        sorts={"LastModifiedTime": "LastModifiedTime"},
    )
    return {"NotebookInstanceLifecycleConfigs": found, **more}


@operation("UpdateNotebookInstanceLifecycleConfig")
def update(call: Call, params: Params) -> Params:
    find(call, params[NAME], "update")
    scripts = {k: v for k, v in params.items() if k != NAME}
    call.app.store.update(
        CONFIG,
        call.region,
        params[NAME],
        lambda record: record.update(scripts, LastModifiedTime=now()),
    )
    return {}


@operation("DeleteNotebookInstanceLifecycleConfig")
def delete(call: Call, params: Params) -> Params:
    """Refused while a notebook instance has it; the wording is not verified against AWS."""
    record = find(call, params[NAME], "delete")
    users = [
        n
        for n in call.app.store.all("notebook-instance", call.region)
        if n.get(NAME) == params[NAME]
    ]
    if users:
        raise validation(
            f"Unable to delete {_NOUN} '{record[ARN]}'. (Details: it is attached to "
            f"{', '.join(user['NotebookInstanceArn'] for user in users)}.)"
        )
    call.app.store.delete(CONFIG, call.region, params[NAME])
    return {}
