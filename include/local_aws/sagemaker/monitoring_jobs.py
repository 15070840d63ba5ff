"""The processing jobs of a monitoring execution, under the contract of Model Monitor's containers.

After the developer guide, "Container Contract Inputs" and "Ingest Ground Truth labels and merge them with
predictions". Captured data is given by the folders of its hours; the container takes what lies between
start_time and end_time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from local_aws.execution.fleet import CONFIG
from local_aws.execution.transfer import split_uri
from local_aws.sagemaker import endpoints, processing_jobs
from local_aws.sagemaker.monitoring_definitions import Kind
from local_aws.sagemaker.monitoring_times import offset
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record

MERGE = "groundtruth-merge-"
NAMES = {"DataQuality": "data-quality-monitoring-", "ModelQuality": "model-quality-monitoring-"}
MERGED = "merge"
TRUTH = "/opt/ml/processing/groundtruth"
BASELINE = "/opt/ml/processing/baseline"
MERGER = "sagemaker-model-monitor-groundtruth-merger"

Builder = Callable[[Call, Kind, Record, Record], Params]


class NoData(Exception):
    """Nothing was captured, or no truth is known, of the time in question."""


def start(call: Call, request: Params) -> str:
    """ARN of the processing job that was made of a request."""
    return str(processing_jobs.create(call, request)["ProcessingJobArn"])


def merge(call: Call, kind: Kind, definition: Record, execution: Record) -> Params:
    """The job that puts the ground truth into the captured records, by inference id."""
    source = kind.source(definition)
    inputs = [
        *_folders(call, "groundtruth_input", _truth(definition), TRUTH, _window(source, execution)),
        *_captured(call, source, execution),
    ]
    image = definition[f"{kind.type}AppSpecification"]["ImageUri"]
    image = f"{image.partition('/')[0]}/{MERGER}"
    environment = {
        "dataset_source": source["LocalPath"],
        "ground_truth_source": TRUTH,
        "output_path": "/opt/ml/processing/output",
    }
    target = f"{_output(kind, definition)['S3Uri'].rstrip('/')}/{MERGED}"
    output = {"LocalPath": environment["output_path"], "S3Uri": target, "S3UploadMode": "EndOfJob"}
    name = f"{MERGE}{execution['_suffix']}"
    return _request(definition, execution, name, {"ImageUri": image}, environment, inputs, output)


def analysis(call: Call, kind: Kind, definition: Record, execution: Record) -> Params:
    """The job that compares what was captured, or what was merged, with the baseline."""
    source, output = kind.source(definition), _output(kind, definition)
    application = definition[f"{kind.type}AppSpecification"]
    start_time, end_time = (_stamp(moment) for moment in _window(source, execution))
    environment = {
        **application.get("Environment", {}),
        "dataset_format": json.dumps(_format(kind)),
        "dataset_source": source["LocalPath"],
        "output_path": output["LocalPath"],
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": execution["EndpointName"],
        "sagemaker_monitoring_schedule_name": execution["MonitoringScheduleName"],
        "start_time": start_time,
        "end_time": end_time,
        "metric_time": start_time,
    }
    baseline = definition.get(f"{kind.type}BaselineConfig", {})
    inputs = []
    for what, folder in (("constraints", "constraints"), ("statistics", "stats")):
        if uri := baseline.get(f"{what.capitalize()}Resource", {}).get("S3Uri"):
            local = f"{BASELINE}/{folder}"
            environment[f"baseline_{what}"] = f"{local}/{uri.rpartition('/')[2]}"
            inputs.append(_input(what, uri, local))
    if kind.type == "ModelQuality":
        environment |= {
            "analysis_type": "MODEL_QUALITY",
            "problem_type": application["ProblemType"],
        }
        environment |= _attributes(source)
        prefix = f"{output['S3Uri'].rstrip('/')}/{MERGED}/{source['EndpointName']}"
        inputs += _of_variants(call, source, execution, prefix)
    else:
        inputs += _captured(call, source, execution)
    target = {**output, "S3Uri": _place(output["S3Uri"], execution)}
    name = f"{NAMES[kind.type]}{execution['_suffix']}"
    return _request(definition, execution, name, application, environment, inputs, target)


def _request(
    definition: Record,
    execution: Record,
    name: str,
    application: Params,
    environment: dict[str, str],
    inputs: list[Params],
    output: Params,
) -> Params:
    known = ("ImageUri", "ContainerEntrypoint", "ContainerArguments")
    return {
        "ProcessingJobName": name,
        "MonitoringScheduleArn": execution["MonitoringScheduleArn"],
        "RoleArn": definition["RoleArn"],
        "AppSpecification": {key: application[key] for key in known if key in application},
        "Environment": environment,
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {
            "Outputs": [
                {"OutputName": "result", "S3Output": {"S3UploadMode": "Continuous", **output}}
            ]
        },
        "ProcessingResources": definition["JobResources"],
        "StoppingCondition": definition["StoppingCondition"],
    }


def _format(kind: Kind) -> Params:
    if kind.type == "ModelQuality":
        return {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}
    return {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}


def _attributes(source: Params) -> dict[str, str]:
    named = ("InferenceAttribute", "ProbabilityAttribute", "ProbabilityThresholdAttribute")
    words = ("inference_attribute", "probability_attribute", "probability_threshold_attribute")
    pairs = zip(named, words, strict=True)
    return {word: str(source[name]) for name, word in pairs if name in source}


def _window(source: Params, execution: Record) -> tuple[float, float]:
    """From when to when, moved by the input's own offsets."""
    start, end = execution["_window"]
    back = [offset(source.get(f"{edge}TimeOffset", "PT0H")) for edge in ("Start", "End")]
    return start + back[0] * execution["_scale"], end + back[1] * execution["_scale"]


def _captured(call: Call, source: Params, execution: Record) -> list[Params]:
    """The folders of captured traffic. Raises `NoData`."""
    config = endpoints.find(call, source["EndpointName"])["EndpointConfigName"]
    found = call.app.store.get(CONFIG, call.region, config) or {}
    capture = found.get("DataCaptureConfig", {}).get("DestinationS3Uri")
    if not capture:
        raise NoData
    prefix = f"{capture.rstrip('/')}/{source['EndpointName']}"
    return _of_variants(call, source, execution, prefix)


def _of_variants(call: Call, source: Params, execution: Record, prefix: str) -> list[Params]:
    bucket, key = split_uri(f"{prefix}/")
    listed = call.app.objects.list(bucket, key) if call.app.objects.exists(bucket) else []
    variants = sorted({item.key.removeprefix(key).partition("/")[0] for item in listed})
    local = f"{source['LocalPath'].rstrip('/')}/{source['EndpointName']}"
    numbers, window = count(1), _window(source, execution)
    found = [
        _input(f"endpoint_input_{next(numbers)}", uri, f"{local}/{variant}/{hour}")
        for variant in variants
        for uri, hour in _hours(call, f"{prefix}/{variant}", window)
    ]
    if not found:
        raise NoData
    return found


def _folders(
    call: Call, name: str, prefix: str, local: str, window: tuple[float, float]
) -> list[Params]:
    hours = list(_hours(call, prefix, window))
    if not hours:
        raise NoData
    return [
        _input(f"{name}_{number}", uri, f"{local}/{hour}")
        for number, (uri, hour) in enumerate(hours, 1)
    ]


def _hours(call: Call, prefix: str, window: tuple[float, float]) -> Iterator[tuple[str, str]]:
    """URI and `yyyy/mm/dd/hh` of each folder that holds something of the time."""
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in window)
    hour = start.replace(minute=0, second=0, microsecond=0)
    while hour < end:
        folder = f"{hour:%Y/%m/%d/%H}"
        uri = f"{prefix.rstrip('/')}/{folder}"
        bucket, key = split_uri(uri)
        if call.app.objects.exists(bucket) and call.app.objects.list(bucket, f"{key}/"):
            yield f"{uri}/", folder
        hour += timedelta(hours=1)


def _truth(definition: Record) -> str:
    return str(definition["ModelQualityJobInput"]["GroundTruthS3Input"].get("S3Uri", ""))


def _output(kind: Kind, definition: Record) -> Params:
    config = definition[f"{kind.type}JobOutputConfig"]
    found: Params = config["MonitoringOutputs"][0]["S3Output"]
    return found


def _place(uri: str, execution: Record) -> str:
    """Where an execution writes: <uri>/<endpoint>/<schedule>/yyyy/mm/dd/hh of when it was due."""
    at = datetime.fromtimestamp(execution["ScheduledTime"], UTC)
    parts = [uri.rstrip("/"), execution["EndpointName"], execution["MonitoringScheduleName"]]
    parts += [f"{at:%Y/%m/%d/%H}", f"{at:%M-%S}" if at.minute or at.second else ""]
    return "/".join(part for part in parts if part)


def _input(name: str, uri: str, local: str) -> Params:
    source = {"S3Uri": uri, "LocalPath": local, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def _stamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
