"""How each strategy's model is asked: one door for the smoke test, whatever stands behind it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from frugal.aws import clients
from frugal.aws.invoke import ROWS, Ask
from frugal.aws.run import Inputs
from frugal.serving import multi_model
from frugal.serving.names import CANDIDATE, component_name, endpoint_name
from frugal.spec import ModelSpec

CSV = "text/csv"
PATIENCE_SECONDS = 1200.0
LOOK_SECONDS = 1.0
#: InvokeEndpoint's error when the container answered, with one of its own
AWAKE = "ModelError"


class NoAnswer(RuntimeError):
    """The model was asked, and failed or did not answer in time."""


def asker(spec: ModelSpec, inputs: Inputs) -> Ask:
    """What asks the model that `inputs` deployed."""
    if spec.deploy.strategy == "batch":
        return lambda rows: _transformed(inputs)
    ask: Callable[[ModelSpec, Inputs, str], str] = _invoke
    if spec.deploy.strategy == "async":
        ask = _invoke_async
    elif spec.deploy.strategy == "scale-to-zero":
        ask = _wake
    return lambda rows: [ask(spec, inputs, row) for row in rows]


def _invoke(spec: ModelSpec, inputs: Inputs, row: str) -> str:
    target: dict[str, str] = {}
    if spec.deploy.strategy == "multi-model":
        target = {"TargetModel": multi_model.target_model(spec, inputs.run)}
    elif spec.deploy.strategy == "scale-to-zero":
        target = {"InferenceComponentName": component_name(spec)}
    elif spec.deploy.trial and spec.deploy.trial.kind == "split" and inputs.run.champion:
        target = {"TargetVariant": CANDIDATE}
    answer = _runtime(inputs).invoke_endpoint(
        EndpointName=endpoint_name(spec), ContentType=CSV, Accept=CSV, Body=row, **target
    )
    return str(answer["Body"].read().decode())


def _wake(spec: ModelSpec, inputs: Inputs, row: str) -> str:
    """A component without a copy answers with an error, by which AWS wakes it: asked again until it is there.

    Raises ClientError when it is, and fails.
    """
    from botocore.exceptions import ClientError

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _invoke(spec, inputs, row)
        except ClientError as error:
            if error.response["Error"]["Code"] == AWAKE:
                raise
            if time.monotonic() > deadline:
                raise NoAnswer(f"{component_name(spec)} did not wake: {error}") from error
        time.sleep(LOOK_SECONDS)


def _invoke_async(spec: ModelSpec, inputs: Inputs, row: str) -> str:
    """Put the request into S3, and wait for the answer, or the failure, to appear there."""
    key = f"{spec.name}/async/in/{inputs.run.id}/{uuid.uuid4().hex}.csv"
    clients.client("s3").put_object(Bucket=inputs.run.bucket, Key=key, Body=row.encode())
    accepted = _runtime(inputs).invoke_endpoint_async(
        EndpointName=endpoint_name(spec),
        InputLocation=f"s3://{inputs.run.bucket}/{key}",
        ContentType=CSV,
        Accept=CSV,
    )
    answer, failure = accepted["OutputLocation"], accepted.get("FailureLocation")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if _is_there(answer):
            return clients.read_text(answer)
        if failure and _is_there(failure):
            raise NoAnswer(f"{endpoint_name(spec)} failed: {clients.read_text(failure)}")
        time.sleep(LOOK_SECONDS)
    raise NoAnswer(f"{endpoint_name(spec)}: no answer at {answer} in {PATIENCE_SECONDS:g} s")


def _transformed(inputs: Inputs) -> Sequence[str]:
    """The answers of the transform job that ran over the held-out rows."""
    return clients.read_text(f"{inputs['deploy']['artifact']}/rows.csv.out").splitlines()[:ROWS]


def _is_there(uri: str) -> bool:
    return clients.split_uri(uri)[1] in clients.list_objects(uri)


def _runtime(inputs: Inputs) -> Any:
    return clients.client("sagemaker-runtime", inputs.run.region)
