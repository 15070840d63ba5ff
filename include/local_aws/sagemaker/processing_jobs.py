"""Processing jobs: what CreateProcessingJob takes and refuses."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.execution.processing import ProcessingRun
from local_aws.execution.states import PROCESSING, now
from local_aws.sagemaker.jobs import Family, one_instance
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.store import Record

FAMILY = Family(
    PROCESSING,
    ProcessingRun,
    lambda name: validation(f"Could not find requested job with name: {name}"),
    ended=lambda app, record: {"ProcessingEndTime": now()},
)
FAMILY.register()


@operation("CreateProcessingJob")
def create(call: Call, params: Params) -> Params:
    cluster = params["ProcessingResources"]["ClusterConfig"]
    for member in ("InstanceType", "InstanceCount"):
        if member not in cluster:
            raise validation(f"ProcessingResources.ClusterConfig.{member} must be given")
    one_instance(cluster["InstanceType"], cluster["InstanceCount"], "processing job")
    inputs = params.get("ProcessingInputs", [])
    outputs = params.get("ProcessingOutputConfig", {}).get("Outputs", [])
    _check_ends(inputs, "InputName", "S3Input")
    _check_ends(outputs, "OutputName", "S3Output")
    for item in inputs:
        if item["S3Input"].get("S3InputMode", "File") != "File":
            raise validation("The local AWS reads processing inputs in File mode only")
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": 86400})
    return {"ProcessingJobArn": FAMILY.create(call, params, record)}


def _check_ends(items: list[Params], name: str, end: str) -> None:
    names, paths = [i[name] for i in items], [i.get(end, {}).get("LocalPath") for i in items]
    if len(names) != len(set(names)):
        raise validation(f"{name}s must be unique, and {', '.join(names)} are not")
    for item, path in zip(items, paths, strict=True):
        if end not in item:
            raise validation(f"The local AWS takes {end} only, and {item[name]} has none")
        if not path or not path.startswith("/opt/ml/processing"):
            raise validation(
                f"{end}.LocalPath of {item[name]} must be below /opt/ml/processing, not {path}"
            )
    if len(paths) != len(set(paths)):
        raise validation(f"{end}.LocalPath must be unique, and {', '.join(paths)} are not")
