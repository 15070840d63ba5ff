"""The model registry: every challenger is kept, with its lineage; only a winner is approved."""

from __future__ import annotations

from typing import Any

from frugal.aws.registry import MODEL_DATA, RUN, SOURCE
from frugal.aws.run import Inputs
from frugal.serving.container import container
from frugal.spec import ModelSpec
from frugal.spec.deploy import REALTIME_INSTANCE
from frugal.stages.evaluate import document, verdict

DESCRIPTION_LENGTH = 1024


def request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateModelPackage: Approved when the challenger won, Rejected with the reason when it lost.

    PendingManualApproval when it goes on trial beside a champion: it takes over once it is promoted.
    """
    run, result = inputs.run, verdict(inputs)
    tried = spec.deploy.trial is not None and run.champion is not None
    statistics = {"ContentType": "application/json", "S3Uri": document(inputs)}
    lineage = {
        RUN: run.id,
        MODEL_DATA: inputs["train"]["artifact"],
        SOURCE: run.source,
        "frugal.training_job": inputs["train"]["job"],
        "frugal.fingerprint": run.fingerprint,
        "frugal.code": run.code_hash,
        f"frugal.{result['metric']}": f"{result['value']:.6g}",
    }
    return {
        "ModelPackageGroupName": spec.name,
        "ModelPackageDescription": result["reason"][:DESCRIPTION_LENGTH],
        "InferenceSpecification": {
            "Containers": [container(spec, inputs)],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
            "SupportedRealtimeInferenceInstanceTypes": [spec.deploy.instance or REALTIME_INSTANCE],
        },
        "ModelApprovalStatus": _status(won=result["won"], tried=tried),
        "ModelMetrics": {"ModelQuality": {"Statistics": statistics}},
        "CustomerMetadataProperties": lineage,
    }


def _status(*, won: bool, tried: bool) -> str:
    if not won:
        return "Rejected"
    return "PendingManualApproval" if tried else "Approved"
