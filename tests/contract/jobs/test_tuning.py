"""Tuning jobs, run by JobOperator on an AWS that really executes them."""

from __future__ import annotations

import pytest

from frugal.aws import clients
from frugal.aws.run import Run
from frugal.jobs.history import jobs_of
from frugal.jobs.operator import JobOperator
from frugal.jobs.outcome import AlgorithmFailed
from frugal.jobs.reaper import Reaper
from frugal.jobs.tuning import TUNING
from frugal.jobs.witness import ThisAirflow
from tests.contract.jobs.attempts import result_of, submit
from tests.contract.jobs.conftest import BUCKET, IMAGE, ROLE, Account
from tests.contract.jobs.scripts import INSTANCE, archive, operator, put
from tests.contract.jobs.test_reaper import AnAirflow
from tests.contract.waiting import await_true

TRAIN = """
import os, pathlib, sys, time
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
time.sleep(float(arguments["--seconds"]))
if arguments["--tells"] == "yes":
    print("loss=" + arguments["--eta"])
pathlib.Path(os.environ["SM_MODEL_DIR"], "model").write_text("1")
"""


def run_of(account: Account, task: str) -> Run:
    """A run that no other test has jobs of."""
    prepared = account.context(task)["ti"].xcoms["prepare"]
    return Run.from_json({**prepared, "id": task})


def tuning(account: Account, task: str, *, seconds: float = 0, tells: str = "yes") -> JobOperator:
    """Two training jobs, whose loss is their learning rate."""
    source = put(account, f"{task}/source.tar.gz", archive(train=TRAIN))
    eta = {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.9"}
    metric = {"Name": "loss", "Regex": "loss=([0-9.]+)"}
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": 2,
                "MaxParallelTrainingJobs": 2,
                "MaxRuntimeInSeconds": 3600,
            },
            "ParameterRanges": {"ContinuousParameterRanges": [eta]},
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": f'"{source}"',
                "seconds": str(seconds),
                "tells": f'"{tells}"',
            },
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [metric],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{task}/model"},
            "ResourceConfig": {**INSTANCE, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
        "Tags": run_of(account, task).stage_tags("tune"),
    }
    return operator(task, "tuning", request)


def children(account: Account, job: str) -> dict[str, str]:
    """Status of each of a tuning job's training jobs."""
    listed = account.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=job
    )["TrainingJobSummaries"]
    return {item["TrainingJobName"]: item["TrainingJobStatus"] for item in listed}


def test_a_tuning_job_returns_its_best_model_and_the_bill_of_all(
    account: Account, task: str
) -> None:
    context = account.context(task)
    job = tuning(account, task)
    result = result_of(job, context)
    described = account.sagemaker.describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=result["job"]
    )
    assert described["BestTrainingJob"]["TrainingJobName"] in result["artifact"]
    billed = [
        account.sagemaker.describe_training_job(TrainingJobName=name)["BillableTimeInSeconds"]
        for name in children(account, result["job"])
    ]
    assert len(billed) == 2
    assert result["seconds_billed"] == sum(billed) > 0
    [told] = jobs_of(run_of(account, task), {})["tune"]
    assert (told["job"], told["seconds_billed"]) == (result["job"], result["seconds_billed"])


def test_a_tuning_job_that_never_learned_its_objective_is_no_success(
    account: Account, task: str
) -> None:
    context = account.context(task)
    job = tuning(account, task, tells="no")
    with pytest.raises(AlgorithmFailed):
        result_of(job, context)


def test_stopping_a_tuning_job_stops_its_training_jobs(account: Account, task: str) -> None:
    """The reaper leaves them to it, though AWS gives them its tags, and stops it when its run is over."""
    job = tuning(account, task, seconds=3600)
    submit(job, account.context(task))
    _, watched = job._watched or (None, None)
    assert watched is not None
    await_true(lambda: list(children(account, watched.name).values()) == ["InProgress"] * 2)
    run = ("train_churn", "manual__1")
    goes_on = Reaper(
        clients.client, "dev", ThisAirflow(AnAirflow(active={run[1]: {task: "deferred"}}))
    )
    spared = goes_on.reap(["us-east-1"], run=run).spared
    assert [item["name"] for item in spared if item["name"].startswith(watched.name)] == [
        watched.name
    ]
    job.on_kill()
    await_true(lambda: set(children(account, watched.name).values()) == {"Stopped"})
    await_true(
        lambda: (
            (TUNING.find(account.sagemaker, watched.name) or {}).get(TUNING.status_key) == "Stopped"
        ),
    )
