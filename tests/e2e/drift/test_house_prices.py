"""The example model on a real Airflow and a local AWS: a week like any other, then other houses and other prices.

What is not waited for is time: traffic is served while the local AWS's clock is put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from frugal.aws.windows import Window
from tests.e2e.drift.houses import NAME, RETRAIN, TRAIN, WATCH, Houses, before, last_day
from tests.e2e.drift.patience import until
from tests.faults.cluster import Cluster

pytestmark = pytest.mark.timeout(1800)
WEEK = 7
ROWS = 1200
OVER = ("success", "failed")


def finished(cluster: Cluster, dag: str, run: str) -> None:
    """Await the run's success."""
    until(lambda: cluster.api.state(dag, run) in OVER, f"the end of {run}")
    assert cluster.api.state(dag, run) == "success", run


@pytest.fixture(scope="module")
def served(running: Cluster, model: Houses) -> Iterator[Houses]:
    """The model in service, trained with the sales of 2014, and its DAGs at work."""
    for dag in (TRAIN, RETRAIN):
        running.api.unpause(dag)
    running.api.start(TRAIN, "first", {})
    finished(running, TRAIN, "first")
    running.api.unpause(WATCH)
    yield model
    for dag in (WATCH, RETRAIN):
        running.api.pause(dag)


@pytest.fixture(scope="module")
def today() -> Window:
    """What the scheduled run looks at, or did an hour ago."""
    return last_day(datetime.now(UTC))


def test_a_week_like_any_other_retrains_nothing(
    cluster: Cluster, served: Houses, today: Window
) -> None:
    week = [before(today, days) for days in range(WEEK + 1, 1, -1)]
    served.ask(served.files, week)
    for window in week:
        cluster.api.start(WATCH, f"day__{window.name}", {"window": window.name})
    for window in week:
        finished(cluster, WATCH, f"day__{window.name}")
        found = served.read("monitor", window.name, "drift.json")
        assert (found["verdict"], found["window"]["rows"]) == ("ok", ROWS), found["reason"]
    for window in week:
        place = ("monitor", window.name, "decision.json")
        until(partial(served.read, *place), f"a decision on {window.name}")
        assert served.read(*place)["action"] == "hold"
    assert "asset_triggered" in {run["run_type"] for run in cluster.api.runs(RETRAIN)}
    assert [run["dag_run_id"] for run in cluster.api.runs(TRAIN)] == ["first"]
    assert len(packages(cluster)) == 1


def test_what_drifts_is_learned_without_a_hand(
    cluster: Cluster, served: Houses, today: Window
) -> None:
    """Larger and dearer houses are asked about, and are in a new file of raw data. Then nobody does anything."""
    runs = len(cluster.api.runs(TRAIN))
    (champion, *_) = packages(cluster)
    served.add_raw(served.later)
    served.ask_unseen([served.later], [today])

    until(lambda: len(cluster.api.runs(TRAIN)) > runs, "the training")
    started = cluster.api.runs(TRAIN)[runs]
    window = started["dag_run_id"].removeprefix("drift__")
    watched = served.read("monitor", window, "drift.json")
    assert (watched["verdict"], "sqft_living" in watched["reason"]) == ("drift", True)
    assert watched["window"]["rows"] == ROWS
    finished(cluster, TRAIN, started["dag_run_id"])
    until(lambda: served.read("monitor", window, "outcome.json"), "the outcome")
    assert served.read("monitor", window, "decision.json")["action"] == "retrain"
    assert served.read("monitor", window, "outcome.json")["started"] is True

    challenger, *others = packages(cluster)
    assert others[0]["ModelPackageArn"] == champion["ModelPackageArn"]
    assert challenger["ModelApprovalStatus"] == "Approved"
    assert "beats the champion's" in challenger["ModelPackageDescription"]
    lineage = challenger["CustomerMetadataProperties"]
    assert (
        lineage["frugal.fingerprint"]
        != champion["CustomerMetadataProperties"]["frugal.fingerprint"]
    )
    job = cluster.sagemaker.describe_training_job(TrainingJobName=lineage["frugal.training_job"])
    assert (job["TrainingJobStatus"], job["EnableManagedSpotTraining"]) == ("Completed", True)
    assert job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]
    assert serving(cluster) == lineage["frugal.model_data"]
    moved = cluster.sagemaker.describe_endpoint(EndpointName=NAME)["LastDeploymentConfig"]
    routing = moved["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "CANARY"

    everything_is_like_the_baseline(cluster, served, before(today, WEEK + 2), lineage["frugal.run"])
    assert len(cluster.api.runs(TRAIN)) == runs + 1
    assert len(packages(cluster)) == len(others) + 1


def everything_is_like_the_baseline(
    cluster: Cluster, served: Houses, window: Window, run: str
) -> None:
    """What the challenger learned from is no drift to it: the baseline is its own run's."""
    served.ask([*served.files, served.later], [window])
    cluster.api.start(WATCH, "after", {"window": window.name})
    finished(cluster, WATCH, "after")
    found = served.read("monitor", window.name, "drift.json")
    assert (found["verdict"], found["window"]["rows"]) == ("ok", ROWS), found["reason"]
    (job, *_) = cluster.sagemaker.list_processing_jobs(
        NameContains=f"{NAME}-drift", SortBy="CreationTime", SortOrder="Descending"
    )["ProcessingJobSummaries"]
    asked = cluster.sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])
    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in asked["ProcessingInputs"]}
    assert inputs["baseline"].endswith(f"/{NAME}/runs/{run}/baseline")


def packages(cluster: Cluster) -> list[dict[str, Any]]:
    """DescribeModelPackage of every version, the newest first."""
    listed = cluster.sagemaker.list_model_packages(
        ModelPackageGroupName=NAME, SortBy="CreationTime", SortOrder="Descending"
    )["ModelPackageSummaryList"]
    return [
        dict(cluster.sagemaker.describe_model_package(ModelPackageName=one["ModelPackageArn"]))
        for one in listed
    ]


def serving(cluster: Cluster) -> str:
    """URI of the artefact of what the endpoint serves."""
    sagemaker = cluster.sagemaker
    endpoint = sagemaker.describe_endpoint(EndpointName=NAME)
    assert endpoint["EndpointStatus"] == "InService"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return str(model["PrimaryContainer"]["ModelDataUrl"])
