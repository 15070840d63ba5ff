"""Model Monitor's definitions and schedules: what is taken, refused, changed and listed, from plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import BUCKET, ROLE, LocalAws, make_config

ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


def definition(name: str, kind: str = "DataQuality", **changed: Any) -> dict[str, Any]:
    """Create<kind>JobDefinition over the endpoint of that name."""
    output = {"S3Uri": f"s3://{BUCKET}/monitor", "LocalPath": "/opt/ml/processing/output"}
    endpoint = {"EndpointName": name, "LocalPath": "/opt/ml/processing/input"}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    return {
        "JobDefinitionName": name,
        f"{kind}AppSpecification": {"ImageUri": ANALYZER},
        f"{kind}JobInput": {"EndpointInput": endpoint},
        f"{kind}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
        "JobResources": {"ClusterConfig": cluster},
        "RoleArn": ROLE,
        **changed,
    }


def schedule(name: str, expression: str = "cron(0 * ? * * *)", **config: str) -> dict[str, Any]:
    return {
        "MonitoringScheduleName": name,
        "MonitoringScheduleConfig": {
            "ScheduleConfig": {"ScheduleExpression": expression, **config},
            "MonitoringJobDefinitionName": name,
            "MonitoringType": "DataQuality",
        },
    }


@pytest.fixture
def endpoint(local_aws: LocalAws, sagemaker: Any, name: str) -> str:
    make_config(local_aws, name, DataCaptureConfig=CAPTURE)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return name


def test_a_schedule_is_kept_changed_listed_and_stands_before_its_endpoint(
    sagemaker: Any, endpoint: str
) -> None:
    tags = [{"Key": "ManagedBy", "Value": "frugal"}]
    sagemaker.create_data_quality_job_definition(**definition(endpoint), Tags=tags)
    arn = sagemaker.create_monitoring_schedule(**schedule(endpoint), Tags=tags)[
        "MonitoringScheduleArn"
    ]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    found = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=endpoint)
    assert (found["MonitoringScheduleStatus"], found["EndpointName"]) == ("Scheduled", endpoint)
    sagemaker.update_monitoring_schedule(**schedule(endpoint, "cron(0 3/12 ? * * *)"))
    sagemaker.stop_monitoring_schedule(MonitoringScheduleName=endpoint)
    (listed,) = sagemaker.list_monitoring_schedules(EndpointName=endpoint)[
        "MonitoringScheduleSummaries"
    ]
    assert listed["MonitoringScheduleStatus"] == "Stopped"
    with pytest.raises(ClientError, match="delete the schedule first"):
        sagemaker.delete_data_quality_job_definition(JobDefinitionName=endpoint)
    with pytest.raises(ClientError, match="delete its monitoring schedules first"):
        sagemaker.delete_endpoint(EndpointName=endpoint)
    sagemaker.start_monitoring_schedule(MonitoringScheduleName=endpoint)
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName=endpoint)
    sagemaker.delete_data_quality_job_definition(JobDefinitionName=endpoint)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_monitoring_schedule(MonitoringScheduleName=endpoint)


def test_nothing_captured_is_a_failed_execution(sagemaker: Any, endpoint: str) -> None:
    sagemaker.create_data_quality_job_definition(**definition(endpoint))
    now = schedule(endpoint, "NOW", DataAnalysisStartTime="-PT2H", DataAnalysisEndTime="PT0H")
    sagemaker.create_monitoring_schedule(**now)

    def ended() -> list[dict[str, Any]]:
        found = sagemaker.list_monitoring_executions(MonitoringScheduleName=endpoint)
        going = ("Pending", "InProgress")
        executions = found["MonitoringExecutionSummaries"]
        return [e for e in executions if e["MonitoringExecutionStatus"] not in going]

    (execution,) = await_true(ended, "the execution")
    assert execution["MonitoringExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Job inputs had no data"


def refused(operation: Any, request: dict[str, Any]) -> str:
    with pytest.raises(ClientError) as caught:
        operation(**request)
    return str(caught.value)


def test_what_aws_does_not_watch_is_refused(
    local_aws: LocalAws, sagemaker: Any, endpoint: str
) -> None:
    create = sagemaker.create_data_quality_job_definition
    make_config(local_aws, f"{endpoint}-mute")
    sagemaker.create_endpoint(
        EndpointName=f"{endpoint}-mute", EndpointConfigName=f"{endpoint}-mute"
    )
    assert "data capture" in refused(create, definition(f"{endpoint}-mute"))
    assert "Could not find endpoint" in refused(create, definition(f"{endpoint}-none"))
    batch = {
        "DataCapturedDestinationS3Uri": f"s3://{BUCKET}/capture",
        "DatasetFormat": {"Csv": {"Header": False}},
        "LocalPath": "/opt/ml/processing/input",
    }
    both = definition(endpoint)
    both["DataQualityJobInput"]["BatchTransformInput"] = batch
    assert "exactly one" in refused(create, both)
    long: dict[str, Any] = {"StoppingCondition": {"MaxRuntimeInSeconds": 7200}}
    create(**definition(endpoint, **long))
    start = sagemaker.create_monitoring_schedule
    assert "exceeds the 3600" in refused(start, schedule(endpoint))
    for wrong in ("cron(30 * ? * * *)", "rate(1 hour)", "cron(0 0/25 ? * * *)"):
        assert "Invalid ScheduleExpression" in refused(start, schedule(endpoint, wrong))
    assert "DataAnalysisStartTime" in refused(start, schedule(endpoint, "NOW"))
