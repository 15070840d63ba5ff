"""Models, endpoint configurations, endpoints and invocations, from plain boto3."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import BUCKET, LocalAws, await_endpoint, make_config

CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


@pytest.fixture
def runtime(local_aws: LocalAws) -> Any:
    return local_aws.client("sagemaker-runtime")


def create(local_aws: LocalAws, name: str, **config: Any) -> dict[str, Any]:
    make_config(local_aws, name, **config)
    sagemaker = local_aws.client("sagemaker")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return await_endpoint(sagemaker, name)


def invoke(runtime: Any, name: str, body: str = "1,2") -> str:
    answer = runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType="text/csv")
    text: str = answer["Body"].read().decode()
    return text


def test_an_endpoint_answers_is_measured_and_goes(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, name: str
) -> None:
    described = create(local_aws, name)
    assert described["EndpointStatus"] == "InService"
    (variant,) = described["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"]) == ("AllTraffic", 1)
    answer = runtime.invoke_endpoint(
        EndpointName=name, Body="1,2\n3,4", ContentType="text/csv", CustomAttributes="trace=1"
    )
    assert answer["Body"].read().decode() == f"{name}:3.0,7.0"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "trace=1"

    dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
    assert await_true(lambda: local_aws.metric("Invocations", dimensions), "a metric") == 1
    assert (local_aws.metric("ModelLatency", dimensions) or 0) > 0
    sagemaker.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.describe_endpoint(EndpointName=name)
    with pytest.raises(runtime.exceptions.ValidationError, match="not found"):
        invoke(runtime, name)


def test_what_instances_use_is_measured(local_aws: LocalAws, runtime: Any, name: str) -> None:
    create(local_aws, name)
    variant = {"EndpointName": name, "VariantName": "AllTraffic"}

    def used(metric: str) -> float | None:
        invoke(runtime, name)
        return local_aws.metric(metric, variant, "Maximum", "/aws/sagemaker/Endpoints")

    cpu = await_true(lambda: used("CPUUtilization"), "some use of processors")
    assert 0 < cpu <= 100 * (os.cpu_count() or 1)
    assert 0 < await_true(lambda: used("MemoryUtilization"), "some use of memory") < 100


def test_a_container_s_error_is_a_model_error(local_aws: LocalAws, runtime: Any, name: str) -> None:
    create(local_aws, name)
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        invoke(runtime, name, "boom")
    assert caught.value.response["OriginalStatusCode"] == 500
    assert caught.value.response["OriginalMessage"] == "it went wrong"
    with pytest.raises(runtime.exceptions.ModelError, match=r"client error \(400\)"):
        invoke(runtime, name, "bad")


def test_a_container_that_dies_comes_back(local_aws: LocalAws, runtime: Any, name: str) -> None:
    create(local_aws, name)
    with pytest.raises(runtime.exceptions.ModelError):
        invoke(runtime, name, "die")

    def answers() -> bool:
        try:
            return invoke(runtime, name) == f"{name}:3.0"
        except runtime.exceptions.ModelError:
            return False

    await_true(answers, "the container to be replaced")


def test_an_update_switches_when_the_new_container_answers(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, name: str, tmp_path: Path
) -> None:
    create(local_aws, name)
    make_config(local_aws, f"{name}-v2", {"START_WHEN": str(tmp_path / "start")})
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-v2")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    assert invoke(runtime, name) == f"{name}:3.0"
    (tmp_path / "start").touch()
    described = await_endpoint(sagemaker, name)
    assert described["EndpointConfigName"] == f"{name}-v2"
    assert invoke(runtime, name) == f"{name}-v2:3.0"


def test_an_update_that_fails_leaves_the_old_configuration_in_service(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, name: str
) -> None:
    create(local_aws, name)
    make_config(local_aws, f"{name}-bad", {"FAIL": "1"})
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-bad")
    described = await_endpoint(sagemaker, name)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == name
    assert "did not pass the ping health check" in described["FailureReason"]
    assert invoke(runtime, name) == f"{name}:3.0"


def test_an_endpoint_whose_container_does_not_start_fails(local_aws: LocalAws, name: str) -> None:
    described = create(local_aws, name, environment={"FAIL": "1"})
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]


@pytest.mark.parametrize(
    ("types", "encoding", "data"),
    [
        ({"CsvContentTypes": ["text/csv"]}, "CSV", "1,2"),
        ({"JsonContentTypes": ["application/json"]}, "BASE64", base64.b64encode(b"1,2").decode()),
    ],
)
def test_traffic_is_captured_in_aws_s_layout(
    local_aws: LocalAws,
    s3: Any,
    runtime: Any,
    name: str,
    types: dict[str, Any],
    encoding: str,
    data: str,
) -> None:
    capture = CAPTURE | {"CaptureContentTypeHeader": types}
    described = create(local_aws, name, DataCaptureConfig=capture)
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    runtime.invoke_endpoint(
        EndpointName=name, Body="1,2", ContentType="text/csv", InferenceId="row-1"
    )
    prefix = f"capture/{name}/AllTraffic/"
    (entry,) = await_true(
        lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"), "a capture file"
    )
    written = r"\d{4}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl"
    assert re.fullmatch(written, entry["Key"].removeprefix(prefix))
    line = json.loads(s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())
    assert line["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": data,
        "encoding": encoding,
    }
    assert line["captureData"]["endpointOutput"]["mode"] == "OUTPUT"
    assert line["eventMetadata"]["inferenceId"] == "row-1"
    assert line["eventVersion"] == "0"


def test_nothing_is_captured_at_a_sampling_of_zero(
    local_aws: LocalAws, sagemaker: Any, s3: Any, runtime: Any, name: str
) -> None:
    create(local_aws, name, DataCaptureConfig=CAPTURE | {"InitialSamplingPercentage": 0})
    invoke(runtime, name)
    sagemaker.delete_endpoint(EndpointName=name)
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=f"capture/{name}/")["KeyCount"] == 0


def test_variants_are_chosen_by_name(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, name: str
) -> None:
    make_config(local_aws, f"{name}-a")
    make_config(local_aws, f"{name}-b")
    common = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    variants = [
        {"VariantName": v, "ModelName": f"{name}-{v}", "InitialVariantWeight": w, **common}
        for v, w in (("a", 1.0), ("b", 0.0))
    ]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    assert invoke(runtime, name) == f"{name}-a:3.0"
    answer = runtime.invoke_endpoint(EndpointName=name, Body="1,2", TargetVariant="b")
    assert answer["Body"].read().decode() == f"{name}-b:3.0"
    with pytest.raises(runtime.exceptions.ValidationError, match="Variant c was not found"):
        runtime.invoke_endpoint(EndpointName=name, Body="1,2", TargetVariant="c")


def test_an_update_lets_running_invocations_finish(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, name: str, tmp_path: Path
) -> None:
    create(local_aws, name)
    make_config(local_aws, f"{name}-v2")
    answers: list[str] = []
    body = f"until {tmp_path / 'go'}"
    slow = threading.Thread(target=lambda: answers.append(invoke(runtime, name, body)))
    slow.start()
    await_true((tmp_path / "go.asked").exists, "the container to be asked")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-v2")
    assert await_endpoint(sagemaker, name)["EndpointConfigName"] == f"{name}-v2"
    (tmp_path / "go").touch()
    slow.join()
    assert answers == ["late"]
