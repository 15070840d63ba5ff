"""The stock SageMaker operators, trigger and hooks of Airflow's Amazon provider on the local AWS.

Frugal's own DAGs use none of these operators; a user's may.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.operators.sagemaker import (  # noqa: TID251 these are the client
    SageMakerBaseOperator,
    SageMakerDeleteModelOperator,
    SageMakerEndpointConfigOperator,
    SageMakerEndpointOperator,
    SageMakerModelOperator,
    SageMakerTrainingOperator,
    SageMakerTransformOperator,
    SageMakerTuningOperator,
)
from airflow.providers.amazon.aws.sensors.sagemaker import SageMakerEndpointSensor
from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import BaseTrigger
from botocore.exceptions import ClientError

from frugal.local import LocalAws
from tests.contract.clients import example
from tests.contract.waiting import PATIENCE_SECONDS

BUCKET = "clients-provider"
MODEL = "provider-model"
CHECK_SECONDS: Any = 0.5
#: Looks of the deferrable operators: minutes, as a slow machine may need. Of some the default is 60.
LOOKS = 480

pytestmark = pytest.mark.usefixtures("aws_environment")


def training_operator(name: str, **arguments: Any) -> SageMakerTrainingOperator:
    """Asks often: the default of 30 s is for jobs of minutes."""
    config = example.training_job(name, BUCKET)
    often = {"check_interval": CHECK_SECONDS, "max_attempts": LOOKS}
    arguments = {"print_log": False, "config": config, **often, **arguments}
    return SageMakerTrainingOperator(task_id="train", **arguments)


def execute(operator: SageMakerBaseOperator) -> Any:
    """Run the operator as a worker does; its trigger too when it defers."""
    try:
        return operator.execute({})
    except TaskDeferred as deferral:
        event = asyncio.run(
            asyncio.wait_for(_first_event(deferral.trigger), timeout=PATIENCE_SECONDS)
        )
        return getattr(operator, deferral.method_name)(context={}, event=event)


async def _first_event(trigger: BaseTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


@pytest.fixture(scope="module")
def bucket(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The bucket with the code and the data, put there by the provider's S3 hook."""
    folder = example.write_inputs(tmp_path_factory.mktemp("provider"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_aws.client_environment().items():
            patch.setenv(name, value)
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
        hook = S3Hook()
        hook.create_bucket(BUCKET)
        for key in (example.CODE_KEY, example.DATA_KEY):
            hook.load_file(folder / key, key, BUCKET)


@pytest.fixture
def inputs(bucket: None, aws_environment: dict[str, str]) -> None:
    """What has to be there before a job starts."""


@pytest.fixture
def artifacts(inputs: None) -> str:
    """The URI of a model that the training operator made."""
    hook = SageMakerHook()
    if not hook.list_training_jobs(name_contains=MODEL, max_results=1):
        execute(training_operator(MODEL))
    uri: str = hook.describe_training_job(MODEL)["ModelArtifacts"]["S3ModelArtifacts"]
    return uri


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_training_operator_returns_the_finished_job(inputs: None, deferrable: bool) -> None:
    name = f"provider-training-{deferrable}"
    result = execute(training_operator(name, deferrable=deferrable))["Training"]
    assert result["TrainingJobStatus"] == "Completed"
    assert result["FinalMetricDataList"][0]["Value"] == example.MEAN
    key = f"models/{name}/output/model.tar.gz"
    assert S3Hook().check_for_key(key, BUCKET)


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_training_operator_fails_with_the_jobs_reason(inputs: None, deferrable: bool) -> None:
    operator = training_operator(f"provider-failing-{deferrable}", deferrable=deferrable)
    operator.config["HyperParameters"]["scale"] = "no number"
    with pytest.raises(AirflowException, match="invalid float value"):
        execute(operator)


def test_a_taken_name_gives_a_new_job_with_a_timestamp(artifacts: str) -> None:
    result = execute(training_operator(MODEL, wait_for_completion=False))
    assert result["Training"]["TrainingJobName"].startswith(f"{MODEL}-")


def test_a_role_given_by_its_name_is_looked_up_in_iam(inputs: None) -> None:
    name = example.ROLE.rpartition("/")[2]
    AwsBaseHook(client_type="iam").conn.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    operator = training_operator("provider-role", wait_for_completion=False)
    operator.config["RoleArn"] = name
    assert execute(operator)["Training"]["RoleArn"] == example.ROLE


def test_the_hook_shows_the_jobs_log(artifacts: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the operator's print_log calls; while a job runs it asks for its status every 30 s."""
    hook = SageMakerHook()
    hook.check_training_status_with_log(
        MODEL,
        hook.non_terminal_states,
        hook.training_failed_states,
        wait_for_completion=True,
        check_interval=0,
    )
    shown = capsys.readouterr().out
    assert "train:mean=3.0;" in shown
    assert "Completed - Training job completed" in shown
    assert "Billable seconds: " in shown


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_endpoint_serves_until_it_is_deleted(artifacts: str, deferrable: bool) -> None:
    name = f"provider-endpoint-{deferrable}"
    model = example.model(name, BUCKET, artifacts)
    execute(SageMakerModelOperator(task_id="model", config=model))
    config = example.endpoint_config(name, name)
    execute(SageMakerEndpointConfigOperator(task_id="config", config=config))
    request = {"EndpointName": name, "EndpointConfigName": name}
    deploy = SageMakerEndpointOperator(
        task_id="deploy", config=request, check_interval=CHECK_SECONDS, deferrable=deferrable
    )
    assert execute(deploy)["Endpoint"]["EndpointStatus"] == "InService"
    assert SageMakerEndpointSensor(task_id="wait", endpoint_name=name).poke({})

    runtime = AwsBaseHook(client_type="sagemaker-runtime").conn
    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=example.ROWS)
    assert answer["Body"].read().decode() == example.PREDICTIONS

    hook = SageMakerHook()
    hook.conn.delete_endpoint(EndpointName=name)
    hook.conn.get_waiter("endpoint_deleted").wait(
        EndpointName=name, WaiterConfig={"Delay": CHECK_SECONDS}
    )
    execute(SageMakerDeleteModelOperator(task_id="delete", config={"ModelName": name}))
    with pytest.raises(ClientError, match="Could not find"):
        hook.describe_model(name)


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_transform_operator_returns_the_finished_job(artifacts: str, deferrable: bool) -> None:
    name = f"provider-transform-{deferrable}"
    config = {
        "Model": example.model(name, BUCKET, artifacts),
        "Transform": example.transform_job(name, BUCKET),
    }
    S3Hook().load_string(example.ROWS, f"{name}/in/rows.csv", BUCKET, replace=True)
    transform = SageMakerTransformOperator(
        task_id="transform",
        config=config,
        check_interval=CHECK_SECONDS,
        max_attempts=LOOKS,
        deferrable=deferrable,
    )
    result = execute(transform)["Transform"]
    assert result["TransformJobStatus"] == "Completed"
    answer = S3Hook().read_key(f"{name}/out/rows.csv.out", BUCKET)
    assert answer == f"{example.PREDICTIONS}\n"


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_tuning_operator_returns_the_best_job(inputs: None, deferrable: bool) -> None:
    name = f"provider-tuning-{deferrable}"
    tuning = SageMakerTuningOperator(
        task_id="tune",
        config=example.tuning_job(name, BUCKET),
        check_interval=CHECK_SECONDS,
        deferrable=deferrable,
    )
    result = execute(tuning)["Tuning"]
    assert result["HyperParameterTuningJobStatus"] == "Completed"
    assert result["TrainingJobStatusCounters"]["Completed"] == 2
    assert result["BestTrainingJob"]["TunedHyperParameters"] == {"scale": "2"}


def test_creating_an_endpoint_again_updates_it(artifacts: str) -> None:
    for name in ("provider-update-1", "provider-update-2"):
        everything = {
            "Model": example.model(name, BUCKET, artifacts),
            "EndpointConfig": example.endpoint_config(name, name),
            "Endpoint": {"EndpointName": "provider-update", "EndpointConfigName": name},
        }
        result = execute(
            SageMakerEndpointOperator(
                task_id="deploy", config=everything, check_interval=CHECK_SECONDS
            )
        )
        assert result["Endpoint"]["EndpointStatus"] == "InService"
        assert result["Endpoint"]["EndpointConfigName"] == name
    SageMakerHook().conn.delete_endpoint(EndpointName="provider-update")


def test_the_hook_lists_all_pages_and_the_tags(inputs: None) -> None:
    hook = SageMakerHook()
    names = [f"provider-page-{number:02}" for number in range(12)]
    for name in names:
        request = example.training_job(name, BUCKET)
        hook.create_training_job(request, wait_for_completion=False, print_log=False)
    listed = hook.list_training_jobs(name_contains="provider-page", max_results=100)
    assert sorted(job["TrainingJobName"] for job in listed) == names
    tags = hook.conn.list_tags(ResourceArn=listed[0]["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "client", "Value": BUCKET}]
    for name in names:
        with suppress(ClientError):  # a job that ended by itself is not stopped
            hook.conn.stop_training_job(TrainingJobName=name)
