"""Models: a container and its artefact, kept for endpoint configurations to name."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.execution.fleet import MODEL
from local_aws.execution.states import now
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.model_packages import container_of
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record


@operation("CreateModel")
def create(call: Call, params: Params) -> Params:
    if ("PrimaryContainer" in params) == bool(params.get("Containers")):
        raise validation("Give exactly one of PrimaryContainer and Containers")
    containers = params.get("Containers") or [params["PrimaryContainer"]]
    if len(containers) > 1:
        raise validation("The local AWS serves one container per model, not a pipeline of them")
    name, tags = params["ModelName"], tags_of(params)
    arn = call.arn(f"model/{name}")
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record |= {"ModelArn": arn, "_arn": arn, "CreationTime": now()}
    record["PrimaryContainer"] = _resolve(call, containers[0])
    record.pop("Containers", None)
    record.setdefault("EnableNetworkIsolation", False)
    try:
        call.app.store.create(MODEL, call.region, name, record)
    except Exists as error:
        raise validation(f'Cannot create already existing model "{arn}".') from error
    call.app.store.tag(arn, tags)
    return {"ModelArn": arn}


def _resolve(call: Call, container: Params) -> Params:
    """The container with what its model package adds, checked."""
    if "ModelPackageName" in container:
        container = container_of(call, container["ModelPackageName"]) | container
    if "Image" not in container:
        raise validation("A container needs an Image or a ModelPackageName")
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise validation("The local AWS does not serve multi-model containers yet")
    if "ModelDataUrl" in container and "ModelDataSource" in container:
        raise validation("ModelDataUrl and ModelDataSource are mutually exclusive")
    return {"Mode": "SingleModel", **container}


def find(call: Call, name: str) -> Record:
    record = call.app.store.get(MODEL, call.region, name)
    if record is None:
        raise validation(f'Could not find model "{call.arn(f"model/{name}")}".')
    return record


@operation("DescribeModel")
def describe(call: Call, params: Params) -> Params:
    return find(call, params["ModelName"])


@operation("ListModels")
def list_models(call: Call, params: Params) -> Params:
    found, more = page(
        call.app.store.all(MODEL, call.region),
        params,
        name="ModelName",
        default_order="Descending",
    )
    return {"Models": found, **more}


@operation("DeleteModel")
def delete(call: Call, params: Params) -> Params:
    name = find(call, params["ModelName"])["ModelName"]
    call.app.store.delete(MODEL, call.region, name)
    return {}
