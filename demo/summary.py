"""What the run left: read from its report, completed with a prediction of our own, and judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from demo.aws import LocalAws
from demo.failure import Failure
from demo.home import BUCKET, EXAMPLE, DemoError

SHARE = 0.01


def read_report(aws: LocalAws, model: str, run: str) -> dict[str, Any]:
    """The report that the DAG's last task wrote. Raises DemoError when there is none."""
    key = f"{model}/runs/{run}/report.json"
    try:
        body = aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    except ClientError as error:
        raise DemoError(f"the run left no s3://{BUCKET}/{key}: {error}") from error
    report: dict[str, Any] = json.loads(body)
    return report


def predict(aws: LocalAws, report: dict[str, Any]) -> dict[str, Any]:
    """One held-out row, sent to the model's live endpoint by this process.

    Returns {"endpoint", "features", "predicted", "expected", "actual"}: what the endpoint answers now,
    what the evaluated model said, and the truth; the last two are None where the report does not tell,
    as when the champion still serves. A model with several outputs, one a class, has a list of each.
    Raises DemoError when the endpoint does not answer with numbers.
    """
    endpoint = (report.get("endpoint") or {}).get("EndpointName") or report["model"]
    row = held_out_row(aws, report)
    body = ",".join("" if value is None else repr(value) for value in row["features"])
    try:
        answer = aws.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body
        )
        predicted = [float(value) for value in answer["Body"].read().decode().split(",")]
    except (BotoCoreError, ClientError, ValueError) as error:
        raise DemoError(f"the endpoint {endpoint} gave no prediction: {error}") from error
    return {
        "endpoint": endpoint,
        "features": row["features"],
        "predicted": predicted if len(predicted) > 1 else predicted[0],
        "expected": row.get("expected"),
        "actual": row.get("actual"),
    }


def held_out_row(aws: LocalAws, report: dict[str, Any]) -> dict[str, Any]:
    """A row of the smoke test, or the first of those that the evaluation kept when nothing was deployed."""
    if report["predictions"]:
        row: dict[str, Any] = report["predictions"][0]
        return row
    key = f"{report['model']}/runs/{report['run']}/evaluation/parity/rows.csv"
    try:
        lines = aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].iter_lines()
        first = next(lines).decode()
    except (ClientError, StopIteration) as error:
        raise DemoError(f"no held-out row in s3://{BUCKET}/{key}: {error}") from error
    return {"features": [float(value) if value else None for value in first.split(",")]}


def shortcomings(
    report: dict[str, Any], failures: Sequence[Failure], *, interrupt: bool
) -> list[str]:
    """What did not work though the run ended: one sentence each, none when all did."""
    found = reasons(failures)
    if report["state"] != "success":
        return found or [f"the run is {report['state']}"]
    if report["model"] == EXAMPLE and interrupt and not report["interruptions"]["count"]:
        found.append("the training job was never interrupted")
    compiled = report.get("compile")
    if compiled and not compiled["parity"]["passed"]:
        found.append("the compiled model does not predict what the trained one does")
    return found


def reasons(failures: Sequence[Failure]) -> list[str]:
    """One line a failed task: which, and why."""
    return [f"{failure.task} failed: {failure.reason}" for failure in failures]


def notes(report: dict[str, Any], *, interrupt: bool) -> list[str]:
    """What a reader would miss in a run that succeeded, and why it is so: one sentence each."""
    if report["state"] != "success" or not interrupt or report["interruptions"]["count"]:
        return []
    if not any(stage["name"] == "train" and stage["spot"] for stage in report["stages"]):
        return ["training did not run on spot capacity, so there was none to reclaim"]
    return [
        "training ended before its first checkpoint was seen, so its capacity was not reclaimed; "
        "a smaller train.checkpoint_seconds gives it the chance"
    ]


def agrees(prediction: dict[str, Any]) -> bool:
    """Whether the endpoint says what the evaluated model said, within a hundredth."""
    expected, predicted = (outputs(prediction[key]) for key in ("expected", "predicted"))
    if expected == [None]:
        return True
    return len(expected) == len(predicted) and all(
        abs(one - other) <= SHARE * abs(other)
        for one, other in zip(predicted, expected, strict=True)
    )


def outputs(value: Any) -> list[Any]:
    """What a model said of one row, as a list."""
    return value if isinstance(value, list) else [value]
