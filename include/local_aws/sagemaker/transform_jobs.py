"""Transform jobs: what CreateTransformJob takes and refuses."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.execution.json_path import BadPath
from local_aws.execution.records import CSV, FORMATS, JSON_LINES, Processing
from local_aws.execution.states import TRANSFORM, now
from local_aws.execution.transform import DEFAULTS, TransformRun
from local_aws.sagemaker import models
from local_aws.sagemaker.jobs import Family, one_instance
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.store import Record

MAX_PAYLOAD_MEGABYTES = 100

FAMILY = Family(
    TRANSFORM,
    TransformRun,
    lambda name: validation(f"Could not find requested job with name: {name}"),
    ended=lambda app, record: {"TransformEndTime": now()},
    deletable=False,
)
FAMILY.register()


@operation("CreateTransformJob")
def create(call: Call, params: Params) -> Params:
    model = models.find(call, params["ModelName"])
    check(params)
    if model["PrimaryContainer"].get("Mode", "SingleModel") != "SingleModel":
        raise validation("A multi-model container does not serve batch transform")
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record["_model"] = {
        name: model[name] for name in ("PrimaryContainer", "ExecutionRoleArn") if name in model
    }
    return {"TransformJobArn": FAMILY.create(call, params, record)}


def check(params: Params) -> None:
    """Refuse what AWS refuses although the service model allows it, and what this machine cannot
    do. The messages are unverified."""
    resources, asked = params["TransformResources"], params["TransformInput"]
    one_instance(resources["InstanceType"], resources["InstanceCount"], "transform job")
    if asked["DataSource"]["S3DataSource"]["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise validation("S3DataType of a transform job is one of S3Prefix, ManifestFile")
    if asked.get("SplitType", "None") not in ("None", "Line"):
        raise validation(f"The local AWS splits by Line or None, not by {asked['SplitType']}")
    payload = params.get("MaxPayloadInMB", DEFAULTS["MaxPayloadInMB"])
    concurrent = params.get("MaxConcurrentTransforms", 0)
    if payload > MAX_PAYLOAD_MEGABYTES or payload * concurrent > MAX_PAYLOAD_MEGABYTES:
        raise validation(
            f"MaxPayloadInMB, and MaxConcurrentTransforms * MaxPayloadInMB, must not exceed "
            f"{MAX_PAYLOAD_MEGABYTES}: given are {payload} and {concurrent}"
        )
    marked = params.get("DataCaptureConfig", {}).get("GenerateInferenceId")
    try:
        processing = Processing.of(params, "" if marked else None)
    except BadPath as error:
        raise validation(f"DataProcessing: {error}") from error
    if processing.reads_input or processing.reads_output:
        _check_processing(params, processing)


def _check_processing(params: Params, processing: Processing) -> None:
    asked, wanted = params["TransformInput"], params["TransformOutput"]
    if not asked.get("ContentType") == wanted.get("Accept") in FORMATS:
        raise validation(
            "DataProcessing and GenerateInferenceId need the same TransformInput.ContentType and "
            f"TransformOutput.Accept, one of {', '.join(FORMATS)}: given are "
            f"{asked.get('ContentType')} and {wanted.get('Accept')}"
        )
    lines = asked.get("SplitType") == "Line" and wanted.get("AssembleWith") == "Line"
    if asked["ContentType"] in (CSV, JSON_LINES) and not lines:
        raise validation(
            f"DataProcessing and GenerateInferenceId of {asked['ContentType']} need SplitType and "
            "AssembleWith Line"
        )
    filters = (processing.input_filter, processing.output_filter)
    if asked["ContentType"] == CSV and not all(path.indexes for path in filters):
        raise validation("The filters of CSV data are indexes, as $[0] or $[1:]")
