"""Asynchronous endpoints: S3 in and out, notifications, a queue that outlasts its instances."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import BUCKET, LocalAws, await_endpoint, make_config


@pytest.fixture
def runtime(local_aws: LocalAws) -> Any:
    return local_aws.client("sagemaker-runtime")


@pytest.fixture
def topics(local_aws: LocalAws, name: str) -> tuple[dict[str, str], Callable[[], Any]]:
    """The two topics of an endpoint, and how to await the next message that either gets."""
    sns, sqs = local_aws.client("sns"), local_aws.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    config = {}
    for kind in ("SuccessTopic", "ErrorTopic"):
        config[kind] = sns.create_topic(Name=f"{name}-{kind}")["TopicArn"]
        sns.subscribe(TopicArn=config[kind], Protocol="sqs", Endpoint=arn["QueueArn"])

    def message() -> Any:
        received = sqs.receive_message(QueueUrl=queue).get("Messages")
        if not received:
            return None
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=received[0]["ReceiptHandle"])
        body = json.loads(received[0]["Body"])
        return json.loads(body["Message"]) | {"topic": body["TopicArn"].rpartition("-")[2]}

    return config, lambda: await_true(message, "a notification")


@pytest.fixture
def endpoint(local_aws: LocalAws, sagemaker: Any, name: str, topics: Any) -> Iterator[str]:
    config = {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
        "OutputConfig": {
            "S3OutputPath": f"s3://{BUCKET}/{name}/out",
            "S3FailurePath": f"s3://{BUCKET}/{name}/failed",
            "NotificationConfig": topics[0]
            | {"IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"]},
        },
    }
    make_config(local_aws, name, AsyncInferenceConfig=config)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert await_endpoint(sagemaker, name)["AsyncInferenceConfig"] == config
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


def ask(runtime: Any, s3: Any, endpoint: str, body: str, **more: Any) -> Any:
    key = f"{endpoint}/in/{body}"
    s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    return runtime.invoke_endpoint_async(
        EndpointName=endpoint,
        InputLocation=f"s3://{BUCKET}/{key}",
        ContentType="text/csv",
        **more,
    )


def content(s3: Any, uri: str) -> str | None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        text: str = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except s3.exceptions.NoSuchKey:
        return None
    return text


def test_an_answer_is_in_s3_and_somebody_is_told(
    runtime: Any, s3: Any, endpoint: str, topics: Any
) -> None:
    answer = ask(runtime, s3, endpoint, "1,2", InferenceId="row-1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "row-1"
    assert answer["OutputLocation"].startswith(f"s3://{BUCKET}/{endpoint}/out/")
    message = topics[1]()
    assert message["topic"] == "SuccessTopic"
    assert message["invocationStatus"] == "Completed"
    assert message["inferenceId"] == "row-1"
    assert message["requestParameters"]["endpointName"] == endpoint
    assert message["responseParameters"]["outputLocation"] == answer["OutputLocation"]
    assert base64.b64decode(message["responseBody"]["content"]).decode() == f"{endpoint}:3.0"
    assert content(s3, answer["OutputLocation"]) == f"{endpoint}:3.0"


def test_a_failure_is_in_s3_and_somebody_is_told(
    runtime: Any, s3: Any, endpoint: str, topics: Any
) -> None:
    answer = ask(runtime, s3, endpoint, "bad")
    message = topics[1]()
    assert (message["topic"], message["invocationStatus"]) == ("ErrorTopic", "Failed")
    assert "client error (400)" in message["failureReason"]
    assert "not a row" in str(content(s3, answer["FailureLocation"]))
    assert content(s3, answer["OutputLocation"]) is None

    runtime.invoke_endpoint_async(
        EndpointName=endpoint, InputLocation=f"s3://{BUCKET}/{endpoint}/nothing"
    )
    assert "There is no object" in topics[1]()["failureReason"]


def test_the_output_s_name_and_an_inline_body(
    runtime: Any, s3: Any, endpoint: str, topics: Any
) -> None:
    answer = runtime.invoke_endpoint_async(
        EndpointName=endpoint,
        Body=b"2,2",
        ContentType="text/csv",
        S3OutputPathExtension="today",
        Filename="four",
    )
    assert answer["OutputLocation"] == f"s3://{BUCKET}/{endpoint}/out/today/four"
    assert topics[1]()["invocationStatus"] == "Completed"
    assert content(s3, answer["OutputLocation"]) == f"{endpoint}:4.0"


def scale(sagemaker: Any, endpoint: str, count: int) -> None:
    wanted = {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=[wanted]
    )
    (variant,) = await_endpoint(sagemaker, endpoint)["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == count


def test_requests_wait_at_zero_instances_and_are_answered_after(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, s3: Any, endpoint: str
) -> None:
    scale(sagemaker, endpoint, 0)
    answers = [ask(runtime, s3, endpoint, f"{n},1") for n in range(5)]
    dimensions = {"EndpointName": endpoint}

    def most(metric: str) -> float | None:
        return local_aws.metric(metric, dimensions, "Maximum")

    await_true(lambda: most("ApproximateBacklogSize") == 5, "the backlog")
    await_true(lambda: most("HasBacklogWithoutCapacity") == 1, "the lack of capacity")
    scale(sagemaker, endpoint, 1)
    for n, answer in enumerate(answers):
        found = await_true(partial(content, s3, answer["OutputLocation"]), "an answer")
        assert found == f"{endpoint}:{n + 1}.0"
    assert local_aws.metric("Invocations", dimensions | {"VariantName": "AllTraffic"}) is None


def test_a_request_that_waited_too_long_expires(
    sagemaker: Any, runtime: Any, s3: Any, endpoint: str, topics: Any
) -> None:
    scale(sagemaker, endpoint, 0)
    ask(runtime, s3, endpoint, "1,2", RequestTTLSeconds=60)
    message = topics[1]()
    assert message["invocationStatus"] == "Failed"
    assert "RequestTTLSeconds" in message["failureReason"]


def test_no_request_is_lost_when_the_local_aws_is_killed(mortal: LocalAws, name: str) -> None:
    server = mortal
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    output = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/out"}}
    make_config(server, name, AsyncInferenceConfig=output)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    scale(sagemaker, name, 0)
    answer = ask(server.client("sagemaker-runtime"), s3, name, "1,2")
    server.kill()
    server.start()
    await_true(
        lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService",
        "the endpoint",
    )
    scale(sagemaker, name, 1)
    await_true(lambda: content(s3, answer["OutputLocation"]) == f"{name}:3.0", "the answer")
    sagemaker.delete_endpoint(EndpointName=name)


def test_what_async_and_real_time_endpoints_are_not_asked(
    local_aws: LocalAws, sagemaker: Any, runtime: Any, endpoint: str
) -> None:
    with pytest.raises(runtime.exceptions.ValidationError, match="use InvokeEndpointAsync"):
        runtime.invoke_endpoint(EndpointName=endpoint, Body="1")
    with pytest.raises(runtime.exceptions.ValidationError, match="exactly one of InputLocation"):
        runtime.invoke_endpoint_async(EndpointName=endpoint)
    other = f"{endpoint}-live"
    make_config(local_aws, other)
    sagemaker.create_endpoint(EndpointName=other, EndpointConfigName=other)
    await_endpoint(sagemaker, other)
    with pytest.raises(ClientError, match="use InvokeEndpoint"):
        runtime.invoke_endpoint_async(EndpointName=other, Body=b"1")
    sagemaker.delete_endpoint(EndpointName=other)
