"""Compilation jobs: what CreateCompilationJob takes and refuses."""

from __future__ import annotations

import json

from local_aws.errors import not_found, validation
from local_aws.execution.compilation import CompilationRun, artefact_uri
from local_aws.execution.neo import unavailable_target
from local_aws.execution.states import COMPILATION, now
from local_aws.sagemaker.jobs import Family
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.store import Record

FAMILY = Family(
    COMPILATION,
    CompilationRun,
    lambda name: not_found(f"Could not find compilation job with name: {name}"),
    ended=lambda app, record: {"CompilationEndTime": now()},
)
FAMILY.register()


@operation("CreateCompilationJob")
def create(call: Call, params: Params) -> Params:
    output = params["OutputConfig"]
    if "ModelPackageVersionArn" in params or "InputConfig" not in params:
        raise validation("The local AWS compiles an InputConfig, not a ModelPackageVersionArn")
    if ("TargetDevice" in output) == ("TargetPlatform" in output):
        raise validation("Give exactly one of OutputConfig.TargetDevice and TargetPlatform")
    if problem := unavailable_target(output.get("TargetDevice", ""), call.region):
        raise validation(problem)
    if "DataInputConfig" in params["InputConfig"]:
        try:
            json.loads(params["InputConfig"]["DataInputConfig"])
        except ValueError as error:
            raise validation(f"InputConfig.DataInputConfig is not JSON: {error}") from error
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record |= {
        "FailureReason": "",
        "ModelArtifacts": {"S3ModelArtifacts": artefact_uri(record)},
        "CompilationTargetDevice": output.get("TargetDevice"),
    }
    return {"CompilationJobArn": FAMILY.create(call, params, record)}
