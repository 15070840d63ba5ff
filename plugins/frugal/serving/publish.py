"""What strategies need in AWS besides an endpoint: multi-model artefacts in their place, and models by themselves."""

from __future__ import annotations

from typing import Any

from frugal.aws import clients, publish
from frugal.aws.run import Inputs
from frugal.aws.settings import Settings
from frugal.jobs.kind import is_missing
from frugal.serving import captured, multi_model
from frugal.serving.container import SCRIPT
from frugal.serving.names import shared_name
from frugal.spec import ModelSpec

TARGET = "TargetModel"


def publish_model(spec: ModelSpec, inputs: Inputs) -> dict[str, str]:
    """Copy the run's artefact below the endpoint's prefix, and the code that serves every model there.

    Returns {"source": URI of the code's archive, "target": TargetModel}. Nothing is live by that.
    """
    run, endpoint = inputs.run, shared_name(spec)
    files = publish.collect(spec, Settings.load().include)
    code = {
        name: body
        for name, body in files.items()
        if name == SCRIPT or name.startswith("container/")
    }
    _, source = publish.publish(code, f"{multi_model.prefix(endpoint, run.bucket)}/code")
    target = multi_model.target_model(spec, run)
    from_bucket, from_key = clients.split_uri(inputs["train"]["artifact"])
    bucket, key = clients.split_uri(f"{multi_model.versions(endpoint, run.bucket)}{target}")
    clients.client("s3").copy_object(
        Bucket=bucket, Key=key, CopySource={"Bucket": from_bucket, "Key": from_key}
    )
    captured.tell_handlers(spec, run)
    return {"source": source, "target": target}


def go_live(spec: ModelSpec, inputs: Inputs) -> dict[str, str]:
    """Name the run's version as the live one, and delete those before the one that it replaces."""
    run, endpoint = inputs.run, shared_name(spec)
    target = multi_model.target_model(spec, run)
    pointer = multi_model.current(spec.name, endpoint, run.bucket)
    before = (clients.read_json(pointer) or {}).get(TARGET)
    clients.write_json(pointer, {TARGET: target})
    kept = {target, before}
    models = multi_model.versions(endpoint, run.bucket)
    bucket, base = clients.split_uri(models)
    for key in clients.list_objects(f"{models}{spec.name}/"):
        if key.removeprefix(base) not in kept:
            clients.client("s3").delete_object(Bucket=bucket, Key=key)
    return {TARGET: target}


def create_model(request: dict[str, Any], region: str) -> str:
    """Create the model of a CreateModel request unless it is there; returns its name."""
    sagemaker = clients.client("sagemaker", region)
    name: str = request["ModelName"]
    try:
        sagemaker.describe_model(ModelName=name)
    except sagemaker.exceptions.ClientError as error:
        if not is_missing(error.response["Error"]):
            raise
        sagemaker.create_model(**request)
    return name
