"""CreateTrainingJob, Describe, List, Stop, Delete."""

from __future__ import annotations

from local_aws.app import App
from local_aws.errors import in_use, limit_exceeded, validation
from local_aws.execution.job import Job, Signal, now
from local_aws.execution.training import KIND, TrainingRun, enter, publish_state
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

TERMINAL = {"Completed", "Failed", "Stopped"}


@operation("CreateTrainingJob")
def create(call: Call, params: Params) -> Params:
    name = params["TrainingJobName"]
    check(params)
    tags = tags_of(params)
    arn = call.arn(f"training-job/{name}")
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record |= {"TrainingJobArn": arn, "_arn": arn, "CreationTime": now()}
    for flag in (
        "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption",
        "EnableManagedSpotTraining",
    ):
        record.setdefault(flag, False)
    record.setdefault("StoppingCondition", {}).setdefault("MaxRuntimeInSeconds", 86400)
    if "CheckpointConfig" in record:
        record["CheckpointConfig"].setdefault("LocalPath", "/opt/ml/checkpoints")
    enter(record, "Starting")
    try:
        call.app.store.create(KIND, call.region, name, record)
    except Exists as error:
        raise in_use(
            "Training job names must be unique within an AWS account and region, and a training "
            f"job with this name already exists ({arn})"
        ) from error
    call.app.store.tag(arn, tags)
    job = Job(call.app, KIND, call.region, name)
    publish_state(job, record)
    call.app.supervisor.start(job, TrainingRun(job))
    return {"TrainingJobArn": arn}


def check(params: Params) -> None:
    """Refuse what AWS refuses although the service model allows it."""
    algorithm = params.get("AlgorithmSpecification", {})
    if "TrainingImage" not in algorithm:
        raise validation("AlgorithmSpecification.TrainingImage must be given; the local AWS has no algorithm resources")
    for member in ("ResourceConfig", "StoppingCondition"):
        if member not in params:
            raise validation(f"{member} must be given")
    _check_resources(params["ResourceConfig"], bool(params.get("EnableManagedSpotTraining")))
    _check_times(params["StoppingCondition"], bool(params.get("EnableManagedSpotTraining")))
    names = [channel["ChannelName"] for channel in params.get("InputDataConfig", [])]
    if len(names) != len(set(names)):
        raise validation("Duplicate channel names are not allowed in InputDataConfig")
    for channel in params.get("InputDataConfig", []):
        if "S3DataSource" not in channel["DataSource"]:
            raise validation("The local AWS reads S3DataSource channels only")


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
    if resources["InstanceCount"] > 1:
        raise limit_exceeded(
            f"The account-level service limit '{resources['InstanceType']} for training job usage' "
            f"is 1 Instances, with a request delta of {resources['InstanceCount']} Instances: the "
            "local AWS runs a job on one instance"
        )
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


def find(call: Call, name: str) -> Record:
    record = call.app.store.get(KIND, call.region, name)
    if record is None:
        raise validation("Requested resource not found.")
    return record


@operation("DescribeTrainingJob")
def describe(call: Call, params: Params) -> Params:
    return find(call, params["TrainingJobName"])


@operation("ListTrainingJobs")
def list_jobs(call: Call, params: Params) -> Params:
    records = call.app.store.all(KIND, call.region)
    found, more = page(
        records,
        params,
        name="TrainingJobName",
        status="TrainingJobStatus",
        equals={"WarmPoolStatusEquals": "_warm_pool", "TrainingPlanArnEquals": "_plan"},
    )
    return {"TrainingJobSummaries": found, **more}


@operation("StopTrainingJob")
def stop(call: Call, params: Params) -> Params:
    name = params["TrainingJobName"]
    status = find(call, name)["TrainingJobStatus"]
    if status in TERMINAL:
        raise validation(
            f"The request was rejected because the training job is in status {status}."
        )
    if status != "Stopping":

        def change(record: Record) -> None:
            if record["TrainingJobStatus"] not in TERMINAL:
                enter(record, "Stopping")

        record = call.app.store.update(KIND, call.region, name, change)
        publish_state(Job(call.app, KIND, call.region, name), record)
        call.app.supervisor.signal(KIND, call.region, name, Signal.STOP)
    return {}


@operation("DeleteTrainingJob")
def delete(call: Call, params: Params) -> Params:
    name = params["TrainingJobName"]
    status = find(call, name)["TrainingJobStatus"]
    if status not in TERMINAL:
        raise in_use(f"The training job {name} is {status}: only a finished one can be deleted")
    call.app.store.delete(KIND, call.region, name)
    return {}


def settle(app: App) -> None:
    """After a restart: spot jobs with checkpoints go on from them, as after a reclaim; stopping
    jobs are stopped, others failed, as their process died with the local AWS."""
    for region, name, record in app.store.every(KIND):
        status = record["TrainingJobStatus"]
        if status in TERMINAL:
            continue
        job = Job(app, KIND, region, name)
        if status == "InProgress" and _resumable(record):
            app.supervisor.start(job, TrainingRun(job, resumed=True))
            continue

        def change(record: Record, stopped: bool = status == "Stopping") -> None:
            if "TrainingStartTime" in record:
                record["TrainingEndTime"] = now()
            if not stopped:
                record["FailureReason"] = RESTARTED
            enter(record, "Stopped" if stopped else "Failed")

        publish_state(job, app.store.update(KIND, region, name, change))


RESTARTED = (
    "InternalServerError: We encountered an internal error. Please try again. "
    "(The local AWS was restarted while the job ran.)"
)


def _resumable(record: Record) -> bool:
    return bool(record.get("EnableManagedSpotTraining") and record.get("CheckpointConfig"))


