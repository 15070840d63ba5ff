"""Batch: a model and transform jobs over S3, with capture; no endpoint."""

from __future__ import annotations

from frugal.aws import clients
from frugal.jobs.kinds import KINDS
from frugal.serving import batch
from frugal.serving.ask import asker
from tests.contract.serving.conftest import BUCKET, Account, with_result
from tests.contract.waiting import await_true

DEPLOY = "{strategy: batch, batch: {schedule: '0 4 * * *'}}"
ROWS = "1\n2\n3\n"


def test_held_out_rows_first_and_then_whatever_lies_in_s3(account: Account) -> None:
    spec = account.spec(DEPLOY)
    inputs = account.version(10)
    run = inputs.run
    held_out = f"{account.name}/runs/{run.id}/evaluation/parity/rows.csv"
    account.s3.put_object(Bucket=BUCKET, Key=held_out, Body=ROWS)
    checked = account.take_live(spec, inputs)
    assert asker(spec, checked)(ROWS.split()) == ["10", "20", "30"]

    package = account.register(spec, inputs)
    for name in ("monday.csv", "tuesday.csv"):
        account.s3.put_object(Bucket=BUCKET, Key=f"{account.name}/batch/in/{name}", Body=ROWS)
    from frugal.serving.publish import create_model

    model = create_model(batch.champion_model(spec, inputs, package), run.region)
    request = batch.request(spec, with_result(inputs, "prepare_batch", {"model": model}))
    kind, name = KINDS["transform"], f"{account.name}-batch"
    kind.ensure(account.sagemaker, name, request)
    job = await_true(
        lambda: (found := kind.find(account.sagemaker, name)) and kind.is_over(found) and found,
        "the transform job",
    )
    assert kind.failure(job, request) is None
    for day in ("monday", "tuesday"):
        answers = clients.read_text(f"{kind.artifact(job)}/{day}.csv.out")
        assert answers.split() == ["10", "20", "30"]
    assert clients.list_objects(run.s3("capture")), "what was asked and answered is captured"
    assert account.left().keys() == {"models"}
    account.take_away(DEPLOY)
