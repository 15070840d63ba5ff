"""The query protocol as an older boto3 speaks it, against botocore's own reader and writer of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from botocore.model import OperationModel
from botocore.parsers import QueryParser
from botocore.serialize import QuerySerializer

from local_aws import protocol, query_protocol
from local_aws.errors import AwsError


def operation(name: str) -> OperationModel:
    return protocol.service_model("cloudwatch").operation_model(name)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        (
            "PutMetricData",
            {
                "Namespace": "Shop & Co",
                "MetricData": [
                    {
                        "MetricName": "Orders",
                        "Dimensions": [{"Name": "Shop", "Value": "a"}],
                        "Value": 1.5,
                        "StorageResolution": 1,
                    },
                    {"MetricName": "Orders", "Values": [1.0, 2.0], "Counts": [3.0, 4.0]},
                ],
            },
        ),
        ("PutMetricAlarm", {"AlarmName": "a", "ActionsEnabled": False, "OKActions": []}),
        ("ListMetrics", {}),
    ],
)
def test_a_form_becomes_the_parameters_it_was_made_of(name: str, params: dict[str, Any]) -> None:
    form = QuerySerializer().serialize_to_request(params, operation(name))["body"]
    assert query_protocol.parse(dict(form), operation(name)) == params


def test_numbers_that_are_none_are_refused() -> None:
    form = {"MetricName": "a", "Period": "sixty"}
    with pytest.raises(AwsError, match="'sixty' at 'Period' cannot be converted to integer"):
        query_protocol.parse(form, operation("GetMetricStatistics"))


def test_an_answer_reads_as_it_was_written() -> None:
    model = operation("GetMetricStatistics")
    point = {"Timestamp": 1_800_000_000.5, "Sum": 3.0, "ExtendedStatistics": {"p99": 2.0}}
    body = query_protocol.success({"Label": "<a>", "Datapoints": [point]}, model).body
    assert isinstance(body, bytes)
    root = ET.fromstring(body)
    found = QueryParser()._parse_shape(model.output_shape, root[0])
    (read,) = found["Datapoints"]
    assert found["Label"] == "<a>"
    assert read["Timestamp"].timestamp() == 1_800_000_000.5
    assert (read["Sum"], read["ExtendedStatistics"]) == (3.0, {"p99": 2.0})
