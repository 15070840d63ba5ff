"""What keeps its name for life, when somebody else changes it at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from frugal.aws.tags import ENVIRONMENT, MANAGED_BY, as_list
from frugal.jobs.kinds import KINDS
from frugal.jobs.lasting import LastingKind

NAME, ARN = "churn", "arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn"
CONFIG_ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/new"
VARIANTS = [{"VariantName": "main", "ModelName": "churn", "InstanceType": "ml.m5.large"}]
REQUEST = {
    "Models": [],
    "EndpointConfig": {"EndpointConfigName": "new", "ProductionVariants": VARIANTS},
    "Endpoint": {"EndpointName": NAME, "EndpointConfigName": "new"},
}


@pytest.fixture
def sagemaker() -> Iterator[Any]:
    client = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url="http://127.0.0.1:9",
    )
    with Stubber(client) as stubber:
        client.stubber = stubber
        yield client
        stubber.assert_no_pending_responses()


def told(stubber: Stubber, status: str, config: str = "old") -> None:
    endpoint = {"EndpointName": NAME, "EndpointArn": ARN, "EndpointConfigName": config}
    times = {"CreationTime": 0, "LastModifiedTime": 0}
    stubber.add_response("describe_endpoint", {**endpoint, **times, "EndpointStatus": status})


def a_change(stubber: Stubber, *, refused: bool) -> None:
    config = {"EndpointConfigName": "old", "EndpointConfigArn": CONFIG_ARN, "CreationTime": 0}
    told(stubber, "InService")
    stubber.add_response("describe_endpoint_config", {**config, "ProductionVariants": VARIANTS})
    if refused:
        text = f'Cannot update in-progress endpoint "{ARN}".'
        stubber.add_client_error("update_endpoint", "ValidationException", text)
    else:
        stubber.add_response("update_endpoint", {"EndpointArn": ARN})


def before_a_change(stubber: Stubber) -> None:
    config = {"EndpointConfigName": "new", "EndpointConfigArn": CONFIG_ARN, "CreationTime": 0}
    told(stubber, "InService")
    stubber.add_response("list_tags", {"Tags": as_list(MANAGED_BY)})
    stubber.add_response("describe_endpoint_config", {**config, "ProductionVariants": VARIANTS})


def test_an_update_that_meets_autoscaling_waits_for_it(sagemaker: Any) -> None:
    """It is described as it is: Updating, and not to what was asked for, so the task waits and asks again."""
    before_a_change(sagemaker.stubber)
    a_change(sagemaker.stubber, refused=True)
    told(sagemaker.stubber, "Updating")
    told(sagemaker.stubber, "Updating")
    found = KINDS["endpoint"].ensure(sagemaker, NAME, REQUEST)
    assert found["EndpointStatus"] == "Updating"
    assert not KINDS["endpoint"].is_for(found, REQUEST)


def test_an_update_that_met_a_change_just_over_is_tried_again(sagemaker: Any) -> None:
    before_a_change(sagemaker.stubber)
    a_change(sagemaker.stubber, refused=True)
    told(sagemaker.stubber, "InService")
    a_change(sagemaker.stubber, refused=False)
    told(sagemaker.stubber, "Updating")
    assert KINDS["endpoint"].ensure(sagemaker, NAME, REQUEST)["EndpointStatus"] == "Updating"


@pytest.mark.parametrize("tags", [{}, {**MANAGED_BY, ENVIRONMENT: "prod"}])
def test_what_is_not_of_this_environment_is_never_deleted(
    sagemaker: Any, tags: dict[str, str]
) -> None:
    endpoint = KINDS["endpoint"]
    assert isinstance(endpoint, LastingKind)
    for looks, end in ((2, endpoint.halt), (1, endpoint.remove)):
        for _ in range(looks):
            told(sagemaker.stubber, "Creating")
        sagemaker.stubber.add_response("list_tags", {"Tags": as_list(tags)})
        assert not end(sagemaker, NAME)
