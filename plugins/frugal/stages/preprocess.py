"""Raw CSV to compressed Parquet, once for each fingerprint."""

from __future__ import annotations

from functools import partial
from typing import Any

from frugal.aws import clients
from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.stages.common import Stage, data_image, processing_output, processing_request


def stage(spec: ModelSpec) -> Stage:
    """A Processing job that is left out when the prepared dataset is there already."""
    return Stage(
        name="preprocess",
        base_name=f"{spec.name}-preprocess",
        requests=[partial(request, spec)],
        upstream=["prepare"],
        reuse=partial(reuse, spec),
        document=manifest,
    )


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: the raw prefix in, the dataset and its quarantine out."""
    run, preprocess = inputs.run, spec.preprocess
    return processing_request(
        inputs,
        stage="preprocess",
        module="preprocess",
        image=data_image(spec, inputs),
        role="preprocess",
        instance=preprocess.instance,
        max_run=preprocess.max_run,
        volume_gb=preprocess.volume_gb,
        sources={"raw": f"s3://{run.bucket}/{spec.raw_prefix}"},
        outputs=[
            processing_output("dataset", run.dataset()),
            processing_output("quarantine", run.dataset("quarantine"), mode="Continuous"),
        ],
        environment={"FRUGAL_FINGERPRINT": run.fingerprint},
    )


def manifest(inputs: Inputs) -> str:
    """URI of the dataset's manifest.json."""
    return inputs.run.dataset("manifest.json")


def reuse(spec: ModelSpec, inputs: Inputs) -> dict[str, Any] | None:
    """The earlier result when the dataset is whole: a manifest, and every file at its recorded size."""
    if inputs.params.get("force_preprocess"):
        return None
    document = clients.read_json(manifest(inputs))
    if document is None or not is_whole(document, inputs):
        return None
    return {
        "reused": True,
        "seconds_run": 0,
        "seconds_billed": 0,
        "instance": spec.preprocess.instance,
        "document": document,
    }


def is_whole(document: dict[str, Any], inputs: Inputs) -> bool:
    """Whether every file that the manifest `document` lists is there, at its recorded size."""
    dataset = inputs.run.dataset()
    _, prefix = clients.split_uri(dataset)
    sizes = {
        key.removeprefix(f"{prefix}/"): item["Size"]
        for key, item in clients.list_objects(dataset).items()
    }
    return all(sizes.get(file["path"]) == file["bytes"] for file in document["files"])
