"""A user's program with the SageMaker SDK 3: train, serve, look at what there is, clean up.

Runs in the SDK's own environment. Reads {"inputs", "code", "answer", "bucket", "image", "role",
"rows"}, the first three of them paths, from standard input, and writes what it saw as JSON to
`answer`. Without `code` it leaves out ModelTrainer.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, Tag, TrainingJob
from sagemaker.core.s3 import S3Downloader, S3Uploader
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    Channel,
    ContainerDefinition,
    DataSource,
    MetricDefinition,
    OutputDataConfig,
    ProductionVariant,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
)
from sagemaker.core.utils.exceptions import FailedStatusError
from sagemaker.train.configs import Compute, InputData, SourceCode
from sagemaker.train.model_trainer import ModelTrainer

PATIENCE_SECONDS = 240

logging.getLogger("sagemaker").setLevel(logging.WARNING)


class Log(logging.Handler):
    """What the SDK logs while it waits, the job's own lines among it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += record.getMessage().splitlines()


def create_training_job(name: str, task: dict[str, str], scale: str = "1") -> Any:
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{task['bucket']}/train/")
    return TrainingJob.create(
        training_job_name=name,
        role_arn=task["role"],
        algorithm_specification=AlgorithmSpecification(
            training_image=task["image"],
            training_input_mode="File",
            metric_definitions=[MetricDefinition(name="train:mean", regex="train:mean=([0-9.]+);")],
        ),
        hyper_parameters={
            "scale": scale,
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"s3://{task["bucket"]}/code/sourcedir.tar.gz"',
        },
        input_data_config=[
            Channel(channel_name="train", data_source=DataSource(s3_data_source=source))
        ],
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{task['bucket']}/models"),
        resource_config=ResourceConfig(
            instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1
        ),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=60),
        tags=[Tag(key="client", value=task["bucket"])],
    )


def train(task: dict[str, str]) -> tuple[dict[str, Any], str]:
    """What a training job showed, and where its model is."""
    Session().boto_session.client("s3").create_bucket(Bucket=task["bucket"])
    for folder in Path(task["inputs"]).iterdir():
        S3Uploader.upload(str(folder), f"s3://{task['bucket']}/{folder.name}")
    log = Log()
    logger = logging.getLogger("sagemaker.core.resources")
    logger.setLevel(logging.INFO)
    logger.addHandler(log)
    job = create_training_job("sdk-training", task)
    job.wait(poll=1, timeout=PATIENCE_SECONDS, logs=True)
    artifacts = job.model_artifacts.s3_model_artifacts
    seen = {
        "status": job.training_job_status,
        "metrics": {m.metric_name: m.value for m in job.final_metric_data_list},
        "log": log.lines,
        "artifacts": S3Downloader.list(artifacts),
        "tags": {tag.key: tag.value for tag in Tag.get_all(resource_arn=job.training_job_arn)},
    }
    return seen, artifacts


def fail(task: dict[str, str]) -> str:
    """What waiting for a failing job raises."""
    try:
        create_training_job("sdk-failing", task, scale="no number").wait(
            poll=1, timeout=PATIENCE_SECONDS
        )
    except FailedStatusError as error:
        return str(error)
    return ""


def serve(task: dict[str, str], artifacts: str) -> dict[str, Any]:
    """What an endpoint answered from its creation to its end."""
    name = "sdk-endpoint"
    container = ContainerDefinition(
        image=task["image"],
        model_data_url=artifacts,
        environment={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{task['bucket']}/code/sourcedir.tar.gz",
        },
    )
    model = Model.create(
        model_name=name, primary_container=container, execution_role_arn=task["role"]
    )
    variant = ProductionVariant(
        variant_name="AllTraffic",
        model_name=name,
        instance_type="ml.m5.large",
        initial_instance_count=1,
    )
    config = EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
    endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
    endpoint.wait_for_status("InService", poll=1, timeout=PATIENCE_SECONDS)
    answer = endpoint.invoke(body=task["rows"], content_type="text/csv")
    seen = {"status": endpoint.endpoint_status, "predictions": answer.body.read().decode()}
    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=PATIENCE_SECONDS)
    config.delete()
    model.delete()
    try:
        Endpoint.get(endpoint_name=name)
    except ClientError as error:
        seen["afterwards"] = error.response["Error"]["Message"]
    return seen


def train_with_model_trainer(task: dict[str, str]) -> dict[str, Any]:
    """What a ModelTrainer made of the training script and of data that are files here."""
    trainer = ModelTrainer(
        sagemaker_session=Session(default_bucket=task["bucket"]),
        training_image=task["image"],
        role=task["role"],
        source_code=SourceCode(source_dir=task["code"], entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
        hyperparameters={"scale": 1},
        base_job_name="sdk-trainer",
    )
    data = InputData(channel_name="train", data_source=f"{task['inputs']}/train")
    trainer.train(input_data_config=[data], wait=False)
    (job,) = TrainingJob.get_all(name_contains="sdk-trainer")
    job.wait(poll=1, timeout=PATIENCE_SECONDS)
    artifacts = job.model_artifacts.s3_model_artifacts
    return {"status": job.training_job_status, "artifacts": S3Downloader.list(artifacts)}


def list_in_pages(task: dict[str, str]) -> list[str]:
    """The names of twelve models: more than one page of ListModels."""
    container = ContainerDefinition(image=task["image"])
    for number in range(12):
        Model.create(
            model_name=f"sdk-page-{number:02}",
            primary_container=container,
            execution_role_arn=task["role"],
        )
    return sorted(model.model_name for model in Model.get_all(name_contains="sdk-page"))


def main() -> None:
    task = json.load(sys.stdin)
    trained, artifacts = train(task)
    seen = {
        "trained": trained,
        "failure": fail(task),
        "served": serve(task, artifacts),
        "listed": list_in_pages(task),
    }
    if task["code"]:
        seen["trainer"] = train_with_model_trainer(task)
    Path(task["answer"]).write_text(json.dumps(seen, default=str))


if __name__ == "__main__":
    main()
