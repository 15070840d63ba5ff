"""Models: a container and its artefact, kept for endpoint configurations to name."""

from __future__ import annotations

from contextlib import suppress

from local_aws.errors import validation
from local_aws.execution.fleet import MODEL
from local_aws.execution.images import ImageUnavailable
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
    if container.get("Mode") == "MultiModel":
        _check_multi_model(call, container)
    elif "MultiModelConfig" in container:
        raise validation("MultiModelConfig needs the Mode MultiModel")
    if "ModelDataUrl" in container and "ModelDataSource" in container:
        raise validation("ModelDataUrl and ModelDataSource are mutually exclusive")
    return {"Mode": "SingleModel", **container}


def _check_multi_model(call: Call, container: Params) -> None:
    if "ModelDataSource" in container:
        raise validation("ModelDataSource is not supported for multi-model containers")
    if "ModelDataUrl" not in container:
        raise validation("A multi-model container needs a ModelDataUrl: the prefix of its models")
    with suppress(ImageUnavailable):  # what this machine has not fails when it is deployed
        if not call.app.images.find(container["Image"]).multi_models:
            raise validation(
                f"Your Ecr Image {container['Image']} does not contain required "
                "com.amazonaws.sagemaker.capabilities.multi-models=true Docker label(s)."
            )


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
