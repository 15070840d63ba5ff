"""Every stage's request is one that AWS's own service model accepts, and says what the spec says.

The local AWS checks enums, patterns and forbidden combinations on top, in the end-to-end tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from frugal.aws.run import Champion, Inputs, Run
from frugal.jobs.operator import JobOperator
from frugal.pipelines.train import build_dag
from frugal.serving.container import container
from frugal.spec import ModelSpec, parse_spec
from frugal.stages import (
    baseline,
    compilation,
    deploy,
    evaluate,
    neuron,
    preprocess,
    register,
    train,
)
from tests.specs import shortest

SPEC = (
    shortest()
    + """\
train:
  max_run: 1h
  capacity: [{instance: ml.m5.xlarge}, {instance: ml.m5.xlarge, spot: false}]
  hyperparameters: {objective: "binary:logistic", eta: 0.1}
"""
)
NEO = (
    SPEC
    + "compile: {backend: neo, target: ml_c5}\n"
    + ("deploy: {strategy: realtime, instance: ml.c5.xlarge, capture_percent: 20}\n")
)
ONNX = SPEC + "compile: {backend: onnx}\n"
NETWORK = SPEC.replace("train:\n", "train:\n  framework: pytorch\n")
INT8 = NETWORK + "compile: {backend: onnx, int8: static}\n"
INF1, INF2 = (
    NETWORK
    + "compile: {backend: neuron, batch_rows: 4}\n"
    + f"deploy: {{strategy: inferentia, instance: ml.{generation}.xlarge}}\n"
    for generation in ("inf1", "inf2")
)
SERVICE = botocore.session.get_session().get_service_model("sagemaker")

RUN = Run(
    id="manual-1",
    model="churn",
    region="us-east-1",
    account="123456789012",
    bucket="data",
    role_prefix="frugal-",
    code="s3://data/churn/code/abc",
    source="s3://data/churn/code/abc.tar.gz",
    code_hash="abc",
    fingerprint="f00",
    tags={"frugal:owner": "growth"},
    champion=Champion("arn:x", "s3://data/old/model.tar.gz", "s3://data/old.tar.gz"),
)
RESULTS: dict[str, Any] = {
    "train": {"job": "churn-train-1", "artifact": "s3://data/m/churn-train-1/output/model.tar.gz"},
    "evaluate": {
        "document": {"won": True, "reason": "better", "metric": "auc", "value": 0.81234567},
    },
    "compile": {
        "artifact": "s3://data/c/model-ml_c5.tar.gz",
        "image": "1.dkr.ecr.x/xgboost-neo:latest",
    },
}


def inputs(**params: Any) -> Inputs:
    return Inputs(run=RUN, results=RESULTS, params=params)


def valid(operation: str, request: dict[str, Any], **name: str) -> dict[str, Any]:
    shape = SERVICE.operation_model(operation).input_shape
    report = ParamValidator().validate({**request, **name}, shape)
    assert not report.has_errors(), report.generate_report()
    return request


@pytest.mark.parametrize(
    "build",
    [
        partial(preprocess.request, parse_spec(SPEC)),
        partial(evaluate.request, parse_spec(SPEC)),
        partial(compilation.check_request, parse_spec(NEO)),
        partial(compilation.onnx_request, parse_spec(ONNX)),
        partial(compilation.onnx_request, parse_spec(INT8)),
        partial(neuron.trace_request, parse_spec(INF1)),
        partial(neuron.package_request, parse_spec(INF1)),
        partial(evaluate.request, parse_spec(NETWORK)),
        partial(baseline.request, parse_spec(SPEC)),
    ],
)
def test_processing_requests(build: Callable[[Inputs], dict[str, Any]]) -> None:
    request = valid("CreateProcessingJob", build(inputs()), ProcessingJobName="job")
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    assert tags["ManagedBy"] == "frugal"
    assert tags["frugal:run"] == "manual-1"


@pytest.mark.parametrize("rung", [0, 1])
def test_training_waits_for_spot_capacity_only(rung: int) -> None:
    request = valid(
        "CreateTrainingJob", train.request(parse_spec(SPEC), rung, inputs()), TrainingJobName="job"
    )
    spot = rung == 0
    assert request["EnableManagedSpotTraining"] is spot
    assert ("MaxWaitTimeInSeconds" in request["StoppingCondition"]) is spot


@pytest.mark.parametrize("text", [SPEC, NEO, ONNX, INT8, INF1, INF2])
def test_every_job_ends_by_itself_within_a_day(text: str) -> None:
    """So nothing bills longer when Airflow is gone; more has to stand in the model.yaml."""
    jobs = [task for task in build_dag(parse_spec(text)).tasks if isinstance(task, JobOperator)]
    limits = [
        request(inputs())["StoppingCondition"]["MaxRuntimeInSeconds"]
        for job in jobs
        if job.kind.one_per_attempt
        for request in job.requests
    ]
    assert len(limits) >= 4
    assert max(limits) <= 24 * 3600


def test_every_rung_resumes_the_same_checkpoints() -> None:
    requests = [train.request(parse_spec(SPEC), rung, inputs()) for rung in (0, 1)]
    assert requests[0]["CheckpointConfig"] == requests[1]["CheckpointConfig"]


def test_hyperparameters_of_the_run_are_laid_over_the_models() -> None:
    chosen = train.hyperparameters(parse_spec(SPEC), inputs(hyperparameters={"eta": 0.5}))
    assert chosen["eta"] == "0.5"
    assert chosen["objective"] == '"binary:logistic"'
    assert chosen["sagemaker_program"] == '"train.py"'


def test_compilation_by_neo() -> None:
    request = valid(
        "CreateCompilationJob",
        compilation.neo_request(parse_spec(NEO), inputs()),
        CompilationJobName="job",
    )
    assert request["OutputConfig"]["TargetDevice"] == "ml_c5"


def test_neo_compiles_for_inf1_what_its_last_pytorch_traced() -> None:
    spec = parse_spec(INF1)
    assert [stage.name for stage in compilation.stages(spec)] == ["trace", "compile", "package"]
    traced = neuron.trace_request(spec, inputs())["AppSpecification"]
    assert traced["ImageUri"].endswith("/pytorch-training:1.9.1-cpu-py38")
    request = neuron.neo_request(spec, inputs())
    valid("CreateCompilationJob", request, CompilationJobName="job")
    assert request["InputConfig"] == {
        "S3Uri": "s3://data/churn/runs/manual-1/traced/model.tar.gz",
        "Framework": "PYTORCH",
        "FrameworkVersion": "1.9",
        "DataInputConfig": '{"input0":[4,1]}',
    }
    assert request["OutputConfig"]["TargetDevice"] == "ml_inf1"
    options = json.loads(request["OutputConfig"]["CompilerOptions"])
    assert options == "--verbose 1 --num-neuroncores 1 -O2"
    served = container(spec, inputs())
    assert served["Image"] == RESULTS["compile"]["image"]
    assert served["ModelDataUrl"].endswith("/compiled/package/model.tar.gz")


def test_inf2_is_compiled_on_trainium_in_the_image_that_serves() -> None:
    spec = parse_spec(INF2)
    (stage,) = compilation.stages(spec)
    request = stage.requests[0](inputs())
    valid("CreateTrainingJob", request, TrainingJobName="job")
    assert stage.kind == "training"
    assert request["ResourceConfig"]["InstanceType"] == "ml.trn1.2xlarge"
    image = request["AlgorithmSpecification"]["TrainingImage"]
    assert "/pytorch-inference-neuronx:2.8.0-" in image
    assert container(spec, inputs())["Image"] == image
    report = request["CheckpointConfig"]["S3Uri"]
    assert stage.document(inputs()) == f"{report}/compile.json"


def test_tables_are_prepared_in_the_smallest_image_that_can() -> None:
    for stage in (preprocess, baseline):
        image = stage.request(parse_spec(NETWORK), inputs())["AppSpecification"]["ImageUri"]
        assert image.endswith("/sagemaker-xgboost:3.0-5")
    asked = train.request(parse_spec(NETWORK), 0, inputs())["AlgorithmSpecification"]
    assert asked["TrainingImage"].endswith("/pytorch:2.13-cpu-amzn2023-sagemaker")


@pytest.mark.parametrize("text", [SPEC, NEO, ONNX, NETWORK, INT8, INF1, INF2])
def test_endpoints_and_packages(text: str) -> None:
    spec: ModelSpec = parse_spec(text)
    request = deploy.request(spec, inputs())
    valid("CreateModel", request["Models"][0])
    config = valid("CreateEndpointConfig", request["EndpointConfig"])
    valid("CreateEndpoint", request["Endpoint"])
    package = valid("CreateModelPackage", register.request(spec, inputs()))
    assert package["ModelApprovalStatus"] == "Approved"
    realtime = spec.deploy.strategy in ("realtime", "inferentia")
    assert ("DataCaptureConfig" in config) is realtime
    assert ("ServerlessConfig" in config["ProductionVariants"][0]) is not realtime


def test_a_loser_is_rejected_with_the_reason() -> None:
    lost = {**RESULTS, "evaluate": {"document": {**RESULTS["evaluate"]["document"], "won": False}}}
    request = register.request(parse_spec(SPEC), Inputs(RUN, {**lost, "compile": None}))
    assert request["ModelApprovalStatus"] == "Rejected"
    assert request["ModelPackageDescription"] == "better"
    assert evaluate.lost(Inputs(RUN, lost)) == "the challenger lost: better"


def test_losing_keeps_the_endpoint_as_it_is() -> None:
    assert deploy.not_deployed(inputs()) is None
    assert "deploy = false" in (deploy.not_deployed(inputs(deploy=False)) or "")
