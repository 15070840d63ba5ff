"""What Model Monitor is asked for: baselines by its analyzer, job definitions, schedules (`backend: model-monitor`).

Both baselines are made of what the champion's own run left: rows of its training split as they are requested, and its
predictions of the test split. Both are Parquet; that the analyzer takes it for a baseline, as it takes a batch
transform's, is not verified. AWS's analyzer has thresholds for fewer things than ours, and one for all columns:
`bound_data` and `bound_quality` say which of model.yaml's it is given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from frugal.aws.clients import list_objects
from frugal.aws.images import image_uri
from frugal.aws.names import digest
from frugal.aws.run import Inputs, Run
from frugal.serving.names import endpoint_name
from frugal.spec import ModelSpec
from frugal.spec.monitor import Thresholds
from frugal.spec.monitor_schedule import cadence
from frugal.stages.common import Stage, seconds

#: The task that finds the champion's run.
CHAMPION = "find_champion"
INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"
THRESHOLD = 0.5
REGRESSION = ("rmse", "mae", "r2")
HIGHER_IS_BETTER = ("r2", "accuracy", "auc")
SUGGESTED, BOUND = "constraints.json", "bound/constraints.json"


@dataclass(frozen=True)
class Kind:
    """A MonitoringType: how it is written in names and what its baseline is made of."""

    type: str
    slug: str
    rows: tuple[str, str]

    @property
    def task(self) -> str:
        return f"{self.slug.replace('-', '_')}_baseline"


DATA = Kind("DataQuality", "data-quality", ("baseline", "reference.parquet"))
QUALITY = Kind("ModelQuality", "model-quality", ("evaluation", "predictions.parquet"))


def kinds(spec: ModelSpec) -> list[Kind]:
    """Model quality is watched where ground truth is said to come."""
    return [DATA, QUALITY] if spec.monitor.truth else [DATA]


def schedule_name(spec: ModelSpec, kind: Kind) -> str:
    return f"{spec.name}-{kind.slug}"


def place(run: Run, trained_by: str, kind: Kind, *parts: str) -> str:
    """URI below what belongs to the baseline of one run."""
    return run.s3("runs", trained_by, "model-monitor", kind.slug, *parts)


def baseline_stage(spec: ModelSpec, kind: Kind) -> Stage:
    """A Processing job of AWS's analyzer; nothing is started when the champion has its baseline."""
    return Stage(
        name=kind.task,
        base_name=f"{spec.name}-{kind.slug}-baseline",
        requests=[partial(baseline_request, spec, kind)],
        upstream=["prepare", CHAMPION],
        reuse=partial(baseline_there, spec, kind),
    )


def baseline_there(spec: ModelSpec, kind: Kind, inputs: Inputs) -> dict[str, Any] | None:
    """The result that stands for an earlier job's, when the champion has its baseline."""
    uri = place(inputs.run, inputs[CHAMPION]["run"], kind, SUGGESTED)
    if not list_objects(uri):
        return None
    return {
        "reused": True,
        "seconds_run": 0,
        "seconds_billed": 0,
        "instance": spec.monitor.instance,
    }


def baseline_request(spec: ModelSpec, kind: Kind, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: rows in; statistics.json and the constraints.json that Model Monitor suggests out."""
    run, source = inputs.run, f"{INPUT}/baseline_dataset_input"
    trained_by = inputs[CHAMPION]["run"]
    environment = {
        "dataset_format": json.dumps({"parquet": {}}),
        "dataset_source": source,
        "output_path": OUTPUT,
        "publish_cloudwatch_metrics": "Disabled",
    }
    if kind is QUALITY:
        environment |= {"analysis_type": "MODEL_QUALITY", "ground_truth_attribute": "label"}
        environment |= {"problem_type": problem(spec), **_attributes(spec, "prediction")}
    rows = {"S3Uri": run.s3("runs", trained_by, *kind.rows), "LocalPath": source}
    left = {"S3Uri": place(run, trained_by, kind), "LocalPath": OUTPUT, "S3UploadMode": "EndOfJob"}
    return {
        "RoleArn": run.role("train"),
        "AppSpecification": {"ImageUri": image_uri("model-monitor", "latest", run.region)},
        "Environment": environment,
        "ProcessingInputs": [
            {
                "InputName": "baseline_dataset_input",
                "S3Input": {**rows, "S3DataType": "S3Prefix", "S3InputMode": "File"},
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "monitoring_output", "S3Output": left}]
        },
        "ProcessingResources": _cluster(spec),
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds(spec.monitor.max_run)},
        "Tags": run.stage_tags(kind.task),
    }


def definition(spec: ModelSpec, kind: Kind, run: Run, trained_by: str) -> dict[str, Any]:
    """Create<Kind>JobDefinition. Its name is that of its content: another baseline makes another one."""
    endpoint: dict[str, Any] = {
        "EndpointName": endpoint_name(spec),
        "LocalPath": f"{INPUT}/endpoint",
        "S3InputMode": "File",
    }
    application: dict[str, Any] = {"ImageUri": image_uri("model-monitor", "latest", run.region)}
    source: dict[str, Any] = {"EndpointInput": endpoint}
    baseline = {"ConstraintsResource": {"S3Uri": place(run, trained_by, kind, BOUND)}}
    if kind is QUALITY:
        application["ProblemType"] = problem(spec)
        endpoint |= _endpoint_attributes(spec)
        truth = f"s3://{run.bucket}/{str(spec.monitor.truth).strip('/')}"
        source["GroundTruthS3Input"] = {"S3Uri": truth}
    else:
        statistics = place(run, trained_by, kind, "statistics.json")
        baseline["StatisticsResource"] = {"S3Uri": statistics}
    left = {"S3Uri": run.s3("model-monitor"), "LocalPath": OUTPUT, "S3UploadMode": "EndOfJob"}
    request = {
        f"{kind.type}BaselineConfig": baseline,
        f"{kind.type}AppSpecification": application,
        f"{kind.type}JobInput": source,
        f"{kind.type}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": left}]},
        "JobResources": _cluster(spec),
        "RoleArn": run.role("train"),
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds(spec.monitor.max_run)},
    }
    name = f"{spec.name}-{kind.slug[0]}q-{digest(json.dumps(request, sort_keys=True))}"
    return {"JobDefinitionName": name, **request}


def schedule(spec: ModelSpec, kind: Kind, definition_name: str) -> dict[str, Any]:
    """MonitoringScheduleConfig. Raises ValueError for a schedule that Model Monitor does not have."""
    found = cadence(str(spec.monitor.schedule))
    if found is None:
        raise ValueError(f"Model Monitor has no schedule {spec.monitor.schedule!r}")
    return {
        "ScheduleConfig": {"ScheduleExpression": found.expression},
        "MonitoringJobDefinitionName": definition_name,
        "MonitoringType": kind.type,
    }


def bound_data(suggested: Mapping[str, Any], thresholds: Thresholds) -> dict[str, Any]:
    """constraints.json with model.yaml's `ks`, `chi_square` (for categories) and `completeness`; of other types and
    unknown categories a hundredth is let pass, as by the `frugal` backend.
    """
    config = dict(suggested["monitoring_config"])
    config |= {"datatype_check_threshold": 0.99, "domain_content_threshold": 0.99}
    config["distribution_constraints"] = {
        **config.get("distribution_constraints", {}),
        "perform_comparison": "Enabled",
        "comparison_method": "Robust",
        "comparison_threshold": thresholds.ks,
        "categorical_comparison_threshold": thresholds.chi_square,
    }
    features = [
        {**feature, "completeness": max(feature["completeness"] - thresholds.completeness, 0.0)}
        for feature in suggested["features"]
    ]
    return {**suggested, "features": features, "monitoring_config": config}


def bound_quality(suggested: Mapping[str, Any], metric: str, share: float) -> dict[str, Any]:
    """constraints.json with `metric` alone, which may be worse by `share` of its value.

    Raises LookupError when the metric was not measured.
    """
    for family, limits in suggested.items():
        if family.endswith("_constraints") and metric in limits:
            was = limits[metric]["threshold"]
            worse = -share if metric in HIGHER_IS_BETTER else share
            limit = {**limits[metric], "threshold": was + worse * abs(was)}
            return {**suggested, family: {metric: limit}}
    raise LookupError(f"Model Monitor's baseline has no {metric}: {', '.join(suggested)}")


def bound(spec: ModelSpec, kind: Kind, suggested: Mapping[str, Any]) -> dict[str, Any]:
    """The constraints that the schedule compares with."""
    thresholds = spec.monitor.thresholds
    if kind is QUALITY:
        return bound_quality(suggested, spec.evaluate.metric, thresholds.quality)
    return bound_data(suggested, thresholds)


def problem(spec: ModelSpec) -> str:
    """ProblemType, by the metric. Models of more than two classes answer what Model Monitor does not read."""
    return "Regression" if spec.evaluate.metric in REGRESSION else "BinaryClassification"


def _attributes(spec: ModelSpec, column: str) -> dict[str, str]:
    if problem(spec) == "Regression":
        return {"inference_attribute": column}
    return {"probability_attribute": column, "probability_threshold_attribute": f"{THRESHOLD:g}"}


def _endpoint_attributes(spec: ModelSpec) -> dict[str, Any]:
    if problem(spec) == "Regression":
        return {"InferenceAttribute": "0"}
    return {"ProbabilityAttribute": "0", "ProbabilityThresholdAttribute": THRESHOLD}


def _cluster(spec: ModelSpec) -> dict[str, Any]:
    cluster = {"InstanceCount": 1, "InstanceType": spec.monitor.instance, "VolumeSizeInGB": 30}
    return {"ClusterConfig": cluster}
