"""Hyperparameter tuning jobs, from plain boto3: their training jobs really run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from tests.contract.waiting import await_true

from .conftest import BUCKET, LocalAws, await_training, training_request

INTEGERS = {
    "IntegerParameterRanges": [
        {"Name": "rounds", "MinValue": "1", "MaxValue": "9", "ScalingType": "Linear"}
    ]
}
CATEGORIES = {
    "CategoricalParameterRanges": [
        {"Name": "rounds", "Values": ["1", "2", "4"]},
        {"Name": "seconds", "Values": ["0.01", "0.02"]},
    ]
}


@pytest.fixture
def name(name: str) -> str:
    """Tuning jobs' names are short."""
    return name[:20]


def request(
    name: str,
    strategy: str = "Random",
    ranges: dict[str, Any] | None = None,
    most: int | None = 3,
    parallel: int = 2,
    **changes: Any,
) -> dict[str, Any]:
    """CreateHyperParameterTuningJob that minimises the loss of programs/train.py, 1 / rounds."""
    definition = training_request(name, changes.pop("spot", False))
    del definition["TrainingJobName"]
    definition["StaticHyperParameters"] = definition.pop("HyperParameters") | changes.pop(
        "static", {}
    )
    limits = {"MaxParallelTrainingJobs": parallel} | (
        {} if most is None else {"MaxNumberOfTrainingJobs": most}
    )
    config = {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ResourceLimits": limits | changes.pop("limits", {}),
        "ParameterRanges": ranges or INTEGERS,
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config | changes.pop("config", {}),
        "TrainingJobDefinition": definition | changes.pop("definition", {}),
        **changes,
    }


def describe(sagemaker: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = sagemaker.describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name
    )
    return found


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        found = describe(sagemaker, name)
        going = found["HyperParameterTuningJobStatus"] in ("InProgress", "Stopping")
        return None if going else found

    result: dict[str, Any] = await_true(described, f"{name} to end")
    return result


def trainings(sagemaker: Any, name: str, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, MaxResults=100, **asked
    )["TrainingJobSummaries"]
    return found


def value(training: dict[str, Any]) -> float:
    return float(training["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def test_random_search_runs_training_jobs_and_finds_the_best(
    local_aws: LocalAws, sagemaker: Any, name: str
) -> None:
    tags = [{"Key": "team", "Value": "x"}]
    arn = sagemaker.create_hyper_parameter_tuning_job(**request(name, Tags=tags))[
        "HyperParameterTuningJobArn"
    ]
    job = ended(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["CreationTime"] <= job["HyperParameterTuningEndTime"]
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 3,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    lasted = job["HyperParameterTuningEndTime"] - job["CreationTime"]
    consumed = job["ConsumedResources"]["RuntimeInSeconds"]
    assert lasted.total_seconds() - 1.01 < consumed < lasted.total_seconds() + 0.01
    tried = trainings(sagemaker, name)
    rounds = [int(each["TunedHyperParameters"]["rounds"]) for each in tried]
    assert len(set(rounds)) == 3
    assert set(rounds) <= set(range(1, 10))
    best = min(tried, key=value)
    assert job["BestTrainingJob"] == best
    assert value(best) == pytest.approx(1 / max(rounds), abs=1e-4)
    by_value = trainings(
        sagemaker, name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
    )
    assert [value(each) for each in by_value] == sorted(map(value, tried), reverse=True)
    (listed,) = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)[
        "HyperParameterTuningJobSummaries"
    ]
    assert (listed["HyperParameterTuningJobArn"], listed["Strategy"]) == (arn, "Random")

    training = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert training["TuningJobArn"] == arn
    assert training["HyperParameters"] == {
        "rounds": str(max(rounds)),
        "_tuning_objective_metric": "loss",
    }
    assert best["TrainingJobName"].startswith(f"{name}-00")
    assert len(sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]) == 3
    assert sagemaker.list_tags(ResourceArn=training["TrainingJobArn"])["Tags"] == tags
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    found = local_aws.client("resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=["sagemaker:hyper-parameter-tuning-job"],
        TagFilters=[{"Key": "team", "Values": ["x"]}],
    )["ResourceTagMappingList"]
    assert arn in [entry["ResourceARN"] for entry in found]


def test_grid_search_tries_every_combination_once(sagemaker: Any, name: str) -> None:
    asked = request(name, "Grid", CATEGORIES, most=None, parallel=3)
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    job = ended(sagemaker, name)
    assert job["TrainingJobStatusCounters"]["Completed"] == 6
    tried = [each["TunedHyperParameters"] for each in trainings(sagemaker, name)]
    pairs = {(each["rounds"], each["seconds"]) for each in tried}
    assert (len(tried), len(pairs)) == (6, 6)
    assert job["BestTrainingJob"]["TunedHyperParameters"]["rounds"] == "4"


def test_bayesian_search_learns_from_what_has_ended(sagemaker: Any, name: str) -> None:
    ranges = {
        "IntegerParameterRanges": [{"Name": "rounds", "MinValue": "1", "MaxValue": "200"}],
        "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.001", "MaxValue": "1"}],
    }
    asked = request(
        name,
        "Bayesian",
        ranges,
        most=5,
        parallel=1,
        config={"RandomSeed": 7},
        static={"seconds": "0"},
    )
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    assert ended(sagemaker, name)["HyperParameterTuningJobStatus"] == "Completed"
    tried = [each["TunedHyperParameters"] for each in trainings(sagemaker, name)]
    assert all(0.001 <= float(each["rate"]) <= 1 for each in tried)
    assert len({each["rounds"] for each in tried}) > 1


def test_no_more_run_at_a_time_than_asked_for(sagemaker: Any, name: str) -> None:
    asked = request(name, parallel=1, static={"seconds": "0.02"})
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    ended(sagemaker, name)
    spans = sorted(
        (each["TrainingStartTime"], each["TrainingEndTime"]) for each in trainings(sagemaker, name)
    )
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_stopping_stops_its_training_jobs(sagemaker: Any, name: str, tmp_path: Path) -> None:
    asked = request(name, most=9, static={"until": str(tmp_path / "never")})
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    await_true(lambda: len(trainings(sagemaker, name)) == 2, "two training jobs")
    first = trainings(sagemaker, name)[0]["TrainingJobName"]
    await_training(sagemaker, first, "Training")
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = ended(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert [each["TrainingJobStatus"] for each in trainings(sagemaker, name)] == ["Stopped"] * 2
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    with pytest.raises(botocore.exceptions.ClientError, match="can't find a tuning job called"):
        describe(sagemaker, name)
    assert sagemaker.describe_training_job(TrainingJobName=first)["TrainingJobStatus"] == "Stopped"


def test_a_target_ends_the_search(sagemaker: Any, name: str) -> None:
    criteria = {"TargetObjectiveMetricValue": 0.6}
    ranges = {"CategoricalParameterRanges": [{"Name": "rounds", "Values": ["1", "2", "3", "4"]}]}
    asked = request(name, "Grid", ranges, most=None, parallel=1)
    asked["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"] = criteria
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    assert ended(sagemaker, name)["HyperParameterTuningJobStatus"] == "Completed"
    assert [each["TunedHyperParameters"]["rounds"] for each in trainings(sagemaker, name)] == [
        "1",
        "2",
    ]


def test_a_search_that_gets_no_better_ends(sagemaker: Any, name: str) -> None:
    values = {"Name": "rounds", "Values": ["4", "1", "2", "3", "9"]}
    asked = request(name, "Grid", {"CategoricalParameterRanges": [values]}, most=None, parallel=1)
    patience = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    asked["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"] = patience
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    job = ended(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    details = job["TuningJobCompletionDetails"]
    assert details["NumberOfTrainingJobsObjectiveNotImproving"] == 3


def test_a_search_where_nothing_succeeds_fails(sagemaker: Any, name: str) -> None:
    asked = request(name, most=9, parallel=1, static={"mode": "fail"})
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    job = ended(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 5
    assert job["ObjectiveStatusCounters"]["Failed"] == 5
    assert "BestTrainingJob" not in job


def test_spot_training_jobs_keep_their_checkpoints_apart(
    sagemaker: Any, s3: Any, name: str
) -> None:
    sagemaker.create_hyper_parameter_tuning_job(**request(name, spot=True, most=2))
    assert ended(sagemaker, name)["HyperParameterTuningJobStatus"] == "Completed"
    for each in trainings(sagemaker, name):
        key = f"checkpoints/{name}/{each['TrainingJobName']}/round.json"
        assert s3.head_object(Bucket=BUCKET, Key=key)


def test_training_jobs_that_do_worse_than_most_are_stopped_early(sagemaker: Any, name: str) -> None:
    """Three that log a small loss three times; the fourth logs 5, and would take minutes."""
    ranges = {
        "CategoricalParameterRanges": [{"Name": "loss", "Values": ["0.1", "0.2", "0.3", "5"]}]
    }
    asked = request(name, "Grid", ranges, most=None, parallel=1, static={"mode": "constant"})
    asked["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] = "Auto"
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    job = ended(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 3
    assert job["TrainingJobStatusCounters"]["Stopped"] == 1
    (stopped,) = trainings(sagemaker, name, StatusEquals="Stopped")
    assert stopped["TunedHyperParameters"] == {"loss": "5"}


def test_a_search_goes_on_after_a_restart(mortal: LocalAws, name: str) -> None:
    sagemaker = mortal.client("sagemaker")
    asked = request(name, spot=True, most=3, parallel=1, static={"seconds": "0.1"})
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    await_true(lambda: len(trainings(sagemaker, name)) >= 2, "a second training job")
    mortal.kill()
    mortal.start()
    job = ended(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 3
    assert len(trainings(sagemaker, name)) == 3


def ranged(**given: str) -> dict[str, Any]:
    return {"ContinuousParameterRanges": [{"Name": "rate", **given}]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strategy": "Hyperband"}, "searches by Random, Grid, Bayesian, not by Hyperband"),
        ({"strategy": "Grid"}, "Grid strategy takes CategoricalParameterRanges only"),
        ({"strategy": "Grid", "ranges": CATEGORIES, "most": 5}, "of this grid is 6"),
        ({"most": None}, "need MaxNumberOfTrainingJobs or MaxRuntimeInSeconds"),
        ({"parallel": 9}, "MaxParallelTrainingJobs 9 must not be more than"),
        ({"static": {"rounds": "3"}}, "both in StaticHyperParameters and ParameterRanges"),
        ({"ranges": ranged(MinValue="2", MaxValue="1")}, "must be less than MaxValue"),
        ({"ranges": ranged(MinValue="a", MaxValue="1")}, "MinValue must be a number, not 'a'"),
        (
            {"ranges": ranged(MinValue="0", MaxValue="1", ScalingType="Logarithmic")},
            "needs MinValue > 0",
        ),
        (
            {"ranges": ranged(MinValue="0", MaxValue="1", ScalingType="ReverseLogarithmic")},
            "MaxValue < 1",
        ),
        (
            {
                "config": {
                    "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"}
                }
            },
            "must be one of the MetricDefinitions, which are ['loss']",
        ),
        ({"Autotune": {"Mode": "Enabled"}}, "does not take Autotune"),
        (
            {"definition": {"EnableManagedSpotTraining": True}},
            "Invalid MaxWaitTimeInSeconds",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    sagemaker: Any, name: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(sagemaker.exceptions.ClientError) as caught:
        sagemaker.create_hyper_parameter_tuning_job(**request(name, **changes))
    assert said in str(caught.value)
