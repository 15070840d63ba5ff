"""Training jobs: what CreateTrainingJob takes and refuses."""

from __future__ import annotations

import re

from local_aws.app import App
from local_aws.errors import in_use, limit_exceeded, not_found, validation
from local_aws.execution import warm_pools
from local_aws.execution.bill import bill
from local_aws.execution.job import Job
from local_aws.execution.states import RESTARTED, TRAINING
from local_aws.execution.training import DEFAULT_MAX_RUNTIME, TrainingRun
from local_aws.sagemaker.jobs import Family, Run, one_instance
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.store import Record

FLAGS = (
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
)


def resume(job: Job) -> Run | None:
    """Spot training with checkpoints goes on from them, as after a reclaim."""
    record = job.record
    spot = record["EnableManagedSpotTraining"] and "CheckpointConfig" in record
    return TrainingRun(job, resumed=True) if spot else None


def ended(app: App, record: Record) -> Record:
    """The members of a job that the end of the last process ended."""
    billed = bill(record, record.get("_seconds", 0), app.config.simulation.spot_ratio)
    return billed | warm_pools.retained(record, "Failed", RESTARTED)


FAMILY = Family(
    TRAINING,
    TrainingRun,
    lambda name: validation("Requested resource not found."),
    resume,
    {"WarmPoolStatusEquals": "WarmPoolStatus.Status", "TrainingPlanArnEquals": "TrainingPlanArn"},
    ended=ended,
)
FAMILY.register()


@operation("DescribeTrainingJob")
def describe(call: Call, params: Params) -> Params:
    return _shown(FAMILY.find(call, params))


@operation("ListTrainingJobs")
def list_jobs(call: Call, params: Params) -> Params:
    answer = FAMILY.list(call, params)
    return answer | {"TrainingJobSummaries": [_shown(r) for r in answer["TrainingJobSummaries"]]}


def _shown(record: Record) -> Record:
    if warm_pools.STATUS not in record:
        return record
    return record | {warm_pools.STATUS: warm_pools.shown(record)}


@operation("DeleteTrainingJob")
def delete(call: Call, params: Params) -> Params:
    record = FAMILY.find(call, params)
    if warm_pools.status(record) == warm_pools.AVAILABLE:
        raise in_use(f"{record['TrainingJobArn']} retains a warm pool that is Available")
    return FAMILY.delete(call, params)


@operation("UpdateTrainingJob")
def update(call: Call, params: Params) -> Params:
    """The warm pool's retention length alone; there is no Debugger here to be told otherwise."""
    name = params["TrainingJobName"]
    record = call.app.store.get(TRAINING.kind, call.region, name)
    if record is None:
        raise not_found(f"Requested resource not found: training job {name}")
    given = [member for member in params if member not in ("TrainingJobName", "ResourceConfig")]
    if given:
        raise validation(f"The local AWS updates ResourceConfig only, not {', '.join(given)}")
    if "ResourceConfig" not in params:
        raise validation("There is nothing to update: give a ResourceConfig")
    if warm_pools.status(record) != warm_pools.AVAILABLE:
        raise validation(
            f"The warm pool of {name} cannot be updated: it is {warm_pools.status(record) or 'none'}, "
            "not Available"
        )
    warm_pools.keep(
        call.app, call.region, name, params["ResourceConfig"]["KeepAlivePeriodInSeconds"]
    )
    return {"TrainingJobArn": record["TrainingJobArn"]}


@operation("CreateTrainingJob")
def create(call: Call, params: Params) -> Params:
    return {"TrainingJobArn": start(call, params)}


def start(call: Call, params: Params, **members: str) -> str:
    """Start the training job of a request, with further members of its description; its ARN.

    Raises `AwsError`.
    """
    check(params)
    record: Record = {k: v for k, v in params.items() if k != "Tags"} | members
    for flag in FLAGS:
        record.setdefault(flag, False)
    record["StoppingCondition"].setdefault("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME)
    if "CheckpointConfig" in record:
        record["CheckpointConfig"].setdefault("LocalPath", "/opt/ml/checkpoints")
    return FAMILY.create(call, params, record | warm_pools.begun(record))


def check(params: Params) -> None:
    """Refuse what AWS refuses although the service model allows it, and what this machine cannot
    do."""
    for member in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if member not in params:
            raise validation(f"{member} must be given")
    if "TrainingImage" not in params["AlgorithmSpecification"]:
        raise validation("The local AWS has no algorithm resources: give a TrainingImage")
    spot = bool(params.get("EnableManagedSpotTraining"))
    _check_resources(params["ResourceConfig"], spot)
    _check_times(params["StoppingCondition"], spot)
    channels = params.get("InputDataConfig", [])
    modes = [params["AlgorithmSpecification"]["TrainingInputMode"]]
    if "Pipe" in modes + [channel.get("InputMode") for channel in channels]:
        raise validation("The local AWS has no Pipe mode: use File or FastFile")
    names = [channel["ChannelName"] for channel in channels]
    if len(names) != len(set(names)):
        raise validation("Duplicate channel names are not allowed in InputDataConfig")
    _check_metrics(params["AlgorithmSpecification"].get("MetricDefinitions", []))
    path = params.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints")
    if not path.startswith("/opt/ml/"):
        raise validation(f"The local AWS has checkpoints below /opt/ml only, not in {path}")
    for channel in channels:
        if "S3DataSource" not in channel["DataSource"]:
            raise validation("The local AWS reads S3DataSource channels only")


def _check_metrics(definitions: list[Params]) -> None:
    for definition in definitions:
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            name, regex = definition["Name"], definition["Regex"]
            raise validation(f"The Regex {regex!r} of metric {name} is invalid: {error}") from error


def _check_resources(resources: Params, spot: bool) -> None:
    if "InstanceGroups" in resources:
        raise limit_exceeded("The local AWS runs a job on one instance, not on InstanceGroups")
    if "InstancePreferences" in resources:
        if "InstanceType" in resources:
            raise validation("InstanceType and InstancePreferences are mutually exclusive")
        if spot:
            raise validation("InstancePreferences cannot be used with managed spot training")
        raise limit_exceeded("The local AWS does not choose among InstancePreferences")
    for member in ("InstanceType", "InstanceCount"):
        if member not in resources:
            raise validation(f"ResourceConfig.{member} must be given")
    one_instance(resources["InstanceType"], resources["InstanceCount"], "training job")
    if spot and resources.get("KeepAlivePeriodInSeconds"):
        raise validation("KeepAlivePeriodInSeconds is not supported with managed spot training")


def _check_times(limits: Params, spot: bool) -> None:
    longest = limits.get("MaxWaitTimeInSeconds")
    if spot and (longest is None or longest < limits.get("MaxRuntimeInSeconds", 86400)):
        raise validation(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )
    if not spot and longest is not None:
        raise validation(
            "MaxWaitTimeInSeconds is only allowed when EnableManagedSpotTraining is true"
        )
