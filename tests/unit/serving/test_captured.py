"""Who captures what a model is asked, by strategy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frugal.aws.run import Inputs, Run
from frugal.serving import captured
from frugal.spec import ModelSpec, parse_spec
from frugal.stages import deploy

SPEC = """\
name: churn
owner: {{team: growth, cost_center: cc-12}}
data:
  target: churned
  key: [customer_id]
  columns: {{customer_id: string, tenure: integer, zip: category, churned: integer}}
evaluate: {{metric: auc, floor: 0.7}}
deploy: {{strategy: {strategy}}}
monitor: {monitor}
"""
WATCHED, HIDDEN = '{schedule: "@hourly"}', "{pii: {zip: drop}}"
RUN = Run(
    id="r1",
    model="churn",
    region="us-east-1",
    account="123456789012",
    bucket="data",
    role_prefix="frugal-",
    code="s3://data/churn/code/abc",
    source="s3://data/churn/code/abc.tar.gz",
    code_hash="abc",
    fingerprint="f00",
    tags={},
)
RESULTS: dict[str, Any] = {
    "train": {"artifact": "s3://data/model.tar.gz"},
    "publish_model": {"source": "s3://data/code.tar.gz", "target": "churn/r1.tar.gz"},
}


def spec(strategy: str, monitor: str) -> ModelSpec:
    return parse_spec(SPEC.format(strategy=strategy, monitor=monitor))


@pytest.mark.parametrize(
    ("strategy", "monitor", "aws", "handlers"),
    [
        ("realtime", WATCHED, True, False),
        ("realtime", HIDDEN, False, True),
        ("serverless", "{}", False, False),
        ("serverless", WATCHED, False, True),
        ("async", WATCHED, False, True),
    ],
)
def test_one_of_them_captures(strategy: str, monitor: str, aws: bool, handlers: bool) -> None:
    asked = deploy.request(spec(strategy, monitor), Inputs(run=RUN, results=RESULTS))
    environment = asked["Models"][0]["PrimaryContainer"]["Environment"]
    assert ("DataCaptureConfig" in asked["EndpointConfig"]) is aws
    assert ("FRUGAL_CAPTURE_TO" in environment) is handlers


def test_columns_are_hidden_by_their_place_in_a_row() -> None:
    environment = captured.environment(spec("realtime", HIDDEN), RUN)
    assert environment["FRUGAL_CAPTURE_TO"] == "s3://data/churn/capture/churn/main"
    assert json.loads(environment["FRUGAL_CAPTURE_PII"]) == {"zip": [1, "drop"]}


@pytest.mark.parametrize("monitor", ["{}", WATCHED, HIDDEN])
def test_models_that_share_an_endpoint_share_its_environment(monitor: str) -> None:
    asked = deploy.request(spec("multi-model", monitor), Inputs(run=RUN, results=RESULTS))
    environment = asked["Models"][0]["PrimaryContainer"]["Environment"]
    assert environment["FRUGAL_CAPTURE_MODELS"] == "s3://data/serving/growth-models/capture"
    assert "FRUGAL_CAPTURE_TO" not in environment
    own = captured.settings(spec("multi-model", monitor), RUN)
    place = "s3://data/churn/capture/growth-models/main"
    assert own.get("FRUGAL_CAPTURE_TO") == (None if monitor == "{}" else place)
