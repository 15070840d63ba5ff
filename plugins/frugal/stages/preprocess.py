"""Raw CSV to compressed Parquet, once for each fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frugal.aws.clients import split_uri
from frugal.aws.run import Inputs
from frugal.spec import ModelSpec
from frugal.stages.common import framework_image, processing_output, processing_request


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: the raw prefix in, the dataset and its quarantine out."""
    run, stage = inputs.run, spec.preprocess
    return processing_request(
        inputs,
        stage="preprocess",
        module="preprocess",
        image=framework_image(spec, inputs),
        role="preprocess",
        instance=stage.instance,
        max_run=stage.max_run,
        volume_gb=stage.volume_gb,
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


def reuse(
    spec: ModelSpec,
    inputs: Inputs,
    read: Callable[[str], dict[str, Any] | None],
    objects: Callable[[str], dict[str, dict[str, Any]]],
) -> dict[str, Any] | None:
    """The earlier result when the dataset is whole: a manifest, and every file at its recorded size."""
    if inputs.params.get("force_preprocess"):
        return None
    document = read(manifest(inputs))
    if document is None:
        return None
    dataset = inputs.run.dataset()
    _, prefix = split_uri(dataset)
    sizes = {key.removeprefix(f"{prefix}/"): item["Size"] for key, item in objects(dataset).items()}
    if any(sizes.get(file["path"]) != file["bytes"] for file in document["files"]):
        return None
    return {
        "reused": True,
        "seconds_run": 0,
        "seconds_billed": 0,
        "instance": spec.preprocess.instance,
        "document": document,
    }
