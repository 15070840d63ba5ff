"""`backend: model-monitor`: baselines, schedules, executions and what comes of them, on the local AWS's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from frugal.aws import clients, monitoring, windows
from frugal.events import queue, wiring
from frugal.events.wiring import Wiring
from frugal.retraining import records
from frugal.serving import remove
from frugal.stages import drift
from tests.contract.waiting import await_true

from .served import Served, make_baselines, served

__all__ = ["served"]
DAY = timedelta(days=1)


def test_schedules_find_drift_tell_of_it_and_go_with_the_endpoint(served: Served) -> None:
    spec, sagemaker = served.spec, clients.client("sagemaker")
    make_baselines(served)
    wiring.up(spec, drift.base_name(spec))
    assert len(served.bind()) == 4, "two definitions, two schedules"
    assert served.bind() == []

    due = served.some_due()
    served.capture(due)
    quiet = served.watch(due)
    assert {e["MonitoringExecutionStatus"] for e in quiet.values()} == {"Completed"}, quiet
    (found,) = served.collect()
    assert (found["verdict"], found["window"]["rows"]) == ("ok", 1000), found
    assert served.collect() == []

    due = served.some_due()
    served.capture(due, shift=20, error=60)
    served.aws.crash()
    loud = served.watch(due)
    statuses = {e["MonitoringExecutionStatus"] for e in loud.values()}
    assert statuses == {"CompletedWithViolations"}, loud
    (found,) = served.collect()
    assert found["verdict"] == "drift"
    assert {check["name"] for check in found["checks"]} == {"area", "rent", "rmse"}
    assert found["checks"][-1]["effects"]["quality"] > 1
    assert windows.verdict(served.run, found["name"]) == found
    now = records.aws_now(served.run)
    assert records.read(served.run, now - DAY, now).undecided == [found["name"]]

    job = loud["DataQuality"]["ProcessingJobArn"].rpartition("/")[2]
    heard: list[str] = []

    def told() -> bool:
        heard.extend(message.job for message in queue.receive(Wiring(spec.name)))
        return job in heard

    await_true(told, "the execution's event")
    described = sagemaker.describe_processing_job(ProcessingJobName=job)
    assert described["ExitMessage"].startswith("CompletedWithViolations: Job completed")

    refused = sagemaker.exceptions.ClientError
    with pytest.raises(refused, match="monitoring schedules"):
        sagemaker.delete_endpoint(EndpointName=spec.name)
    gone = remove.remove(remove.find(spec))
    assert f"monitoring schedule {spec.name}-data-quality" in gone
    assert gone.index(f"monitoring schedule {spec.name}-model-quality") < gone.index(
        f"endpoint {spec.name}"
    )
    assert monitoring.schedules(spec.name) == {}
    for kind in ("data", "model"):
        asked = getattr(sagemaker, f"list_{kind}_quality_job_definitions")
        assert asked(EndpointName=spec.name)["JobDefinitionSummaries"] == []
    assert remove.find(spec).lines == []
