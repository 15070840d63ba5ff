"""Hyperparameter tuning jobs: what CreateHyperParameterTuningJob takes and refuses, and the training
jobs that it starts."""

from __future__ import annotations

from contextlib import suppress

from local_aws.errors import AwsError, not_found, validation
from local_aws.execution.job import Job
from local_aws.execution.search import STRATEGIES, Values, grid_size
from local_aws.execution.search_space import BadRange, Categorical, dimensions
from local_aws.execution.states import TUNING, now
from local_aws.execution.tuned import OBJECTIVE_COUNTERS, STATUS_COUNTERS, summary, trainings_of
from local_aws.execution.tuning import TuningRun
from local_aws.sagemaker import training_jobs
from local_aws.sagemaker.jobs import Family
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation
from local_aws.sagemaker.tags import as_list
from local_aws.store import Record

#: What a training job definition says just as CreateTrainingJob does.
SAME = (
    *("AlgorithmSpecification", "RoleArn", "InputDataConfig", "VpcConfig", "OutputDataConfig"),
    *("StoppingCondition", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption"),
    *("EnableManagedSpotTraining", "RetryStrategy", "Environment"),
)

#: Members that a local tuning job does not act on, and therefore refuses.
UNSERVED = ("TrainingJobDefinitions", "WarmStartConfig", "Autotune")


def run(job: Job) -> TuningRun:
    """What carries a tuning job out, through the same door as CreateTrainingJob's callers."""
    call = Call(job.app, job.region)

    def launch(name: str, values: Values) -> None:
        record = job.record
        tags = as_list(job.app.store.tags(record[TUNING.arn]))
        request = training_request(record, name, values) | ({"Tags": tags} if tags else {})
        training_jobs.start(call, request, TuningJobArn=record[TUNING.arn])

    def stop(name: str) -> None:
        with suppress(AwsError):  # it ended by itself
            training_jobs.FAMILY.stop(call, {"TrainingJobName": name})

    return TuningRun(job, launch, stop)


def resume(job: Job) -> TuningRun:
    """A tuning job goes on with its record; its training jobs end or resume as any."""
    again = run(job)
    again.restore()
    return again


FAMILY = Family(
    TUNING,
    run,
    lambda name: not_found(
        f"Amazon SageMaker can't find a tuning job called {name}. Type another name."
    ),
    resume,
    ended=lambda app, record: {"HyperParameterTuningEndTime": now()},
    stops_others=True,
)
FAMILY.register()


@operation("CreateHyperParameterTuningJob")
def create(call: Call, params: Params) -> Params:
    check(params)
    config = params["HyperParameterTuningJobConfig"]
    record: Record = {k: v for k, v in params.items() if k != "Tags"}
    record |= {
        "Strategy": config["Strategy"],
        "ResourceLimits": config["ResourceLimits"],
        "TrainingJobStatusCounters": dict.fromkeys(STATUS_COUNTERS, 0),
        "ObjectiveStatusCounters": dict.fromkeys(OBJECTIVE_COUNTERS, 0),
        "_trials": [],
    }
    return {"HyperParameterTuningJobArn": FAMILY.create(call, params, record)}


@operation("DescribeHyperParameterTuningJob")
def describe(call: Call, params: Params) -> Params:
    record = FAMILY.find(call, params)
    seconds = record.get("HyperParameterTuningEndTime", now()) - record["CreationTime"]
    return record | {"ConsumedResources": {"RuntimeInSeconds": int(seconds)}}


@operation("ListTrainingJobsForHyperParameterTuningJob")
def list_training_jobs(call: Call, params: Params) -> Params:
    tuning = FAMILY.find(call, params)
    found = [summary(tuning, t) for t in trainings_of(call.app.store, call.region, tuning)]
    metric = "FinalHyperParameterTuningJobObjectiveMetric"
    if params.get("SortBy") == "FinalObjectiveMetricValue":
        found = [each | {"_value": each[metric]["Value"]} for each in found if metric in each]
    shown, more = page(
        [each for each in found if "TrainingJobStatus" in each],
        params,
        name="TrainingJobName",
        status="TrainingJobStatus",
        default_sort="Name",
        sorts={"FinalObjectiveMetricValue": "_value"},
    )
    return {"TrainingJobSummaries": shown, **more}


def training_request(tuning: Params, name: str, values: Values) -> Params:
    """CreateTrainingJob for one combination of hyperparameters.

    Checkpoints go below the training job's name: what AWS does with the one prefix that a
    definition has for all of its training jobs is unverified, and sharing it would mix them up.
    """
    definition = tuning["TrainingJobDefinition"]
    goal = tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    request = {member: definition[member] for member in SAME if member in definition}
    request |= {
        "TrainingJobName": name,
        "ResourceConfig": _resources(definition),
        "HyperParameters": {
            **definition.get("StaticHyperParameters", {}),
            "_tuning_objective_metric": goal["MetricName"],
            **values,
        },
    }
    if "CheckpointConfig" in definition:
        config = definition["CheckpointConfig"]
        uri = f"{config['S3Uri'].rstrip('/')}/{name}"
        request["CheckpointConfig"] = config | {"S3Uri": uri}
    return request


def _resources(definition: Params) -> Params:
    """ResourceConfig of a definition; of several instance types, the one with priority."""
    if "ResourceConfig" in definition:
        found: Params = definition["ResourceConfig"]
        return found
    flexible = definition.get("HyperParameterTuningResourceConfig", {})
    first: Params = next(iter(flexible.get("InstanceConfigs", [])), flexible)
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
    return {name: first[name] for name in members if name in first}


def check(params: Params) -> None:
    """Refuse what AWS refuses although the service model allows it, and what this machine cannot
    do. The messages are unverified."""
    for member in UNSERVED:
        if member in params:
            raise validation(f"The local AWS does not take {member} of a tuning job")
    if "TrainingJobDefinition" not in params:
        raise validation("TrainingJobDefinition must be given")
    definition, config = params["TrainingJobDefinition"], params["HyperParameterTuningJobConfig"]
    for member in ("TuningObjective", "HyperParameterRanges"):
        if member in definition:
            raise validation(f"{member} of a definition is for TrainingJobDefinitions only")
    _check_objective(definition, config)
    _check_search(definition, config)
    _check_criteria(config)
    training_jobs.check(training_request(params, "validated", {}))


def _check_objective(definition: Params, config: Params) -> None:
    if "HyperParameterTuningJobObjective" not in config:
        raise validation("HyperParameterTuningJobObjective must be given")
    metric = config["HyperParameterTuningJobObjective"]["MetricName"]
    known = [m["Name"] for m in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]
    if metric not in known:
        raise validation(
            f"The objective metric {metric} must be one of the MetricDefinitions, which are {known}"
        )


def _check_search(definition: Params, config: Params) -> None:
    strategy, limits = config["Strategy"], config["ResourceLimits"]
    if strategy not in STRATEGIES:
        raise validation(f"The local AWS searches by {', '.join(STRATEGIES)}, not by {strategy}")
    if config.get("ParameterRanges", {}).get("AutoParameters"):
        raise validation("The local AWS does not take AutoParameters of a tuning job")
    try:
        space = dimensions(config.get("ParameterRanges", {}))
    except BadRange as error:
        raise validation(f"ParameterRanges: {error}") from error
    both = sorted({d.name for d in space} & set(definition.get("StaticHyperParameters", {})))
    if both:
        raise validation(f"{', '.join(both)}: both in StaticHyperParameters and ParameterRanges")
    most = limits.get("MaxNumberOfTrainingJobs")
    if strategy == "Grid":
        if not all(isinstance(dimension, Categorical) for dimension in space):
            raise validation("The Grid strategy takes CategoricalParameterRanges only")
        if most not in (None, grid_size(space)):
            raise validation(
                f"MaxNumberOfTrainingJobs of this grid is {grid_size(space)} or not given, not {most}"
            )
    elif most is None and "MaxRuntimeInSeconds" not in limits:
        raise validation("ResourceLimits need MaxNumberOfTrainingJobs or MaxRuntimeInSeconds")
    if most is not None and limits["MaxParallelTrainingJobs"] > most:
        raise validation(
            f"MaxParallelTrainingJobs {limits['MaxParallelTrainingJobs']} must not be more than "
            f"MaxNumberOfTrainingJobs {most}"
        )


def _check_criteria(config: Params) -> None:
    convergence = config.get("TuningJobCompletionCriteria", {}).get("ConvergenceDetected", {})
    if convergence.get("CompleteOnConvergence") == "Enabled":
        raise validation("The local AWS does not detect convergence of a tuning job")
