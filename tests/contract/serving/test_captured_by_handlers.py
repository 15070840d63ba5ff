"""What endpoints are asked without AWS's data capture, captured by the model's own handlers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import clients, publish
from frugal.aws.run import Run
from frugal.serving import captured as capturing
from frugal.serving import publish as publishing
from frugal.serving import remove
from frugal.spec import ModelSpec, parse_spec
from tests.contract.waiting import await_true

from .conftest import BUCKET, INFERENCE, Account, text_of

WATCHED = 'monitor: {schedule: "@hourly", pii: {tenure: hash}}\n'
MODULES = ("__init__", "capture", "exchange", "headers", "pii")


@pytest.fixture
def handlers(account: Account, repository: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """inference.py with marked handlers, whose imports are among what is published; they write every second."""
    of_spec = capturing.environment

    def soon(spec: ModelSpec, run: Run) -> dict[str, str]:
        return of_spec(spec, run) | {"FRUGAL_CAPTURE_FLUSH_SECONDS": "1"}

    monkeypatch.setattr(capturing, "environment", soon)
    folder = Path(os.environ["FRUGAL_INCLUDE"]) / "container"
    for name in MODULES:
        shutil.copy(repository / f"include/container/{name}.py", folder)
    marked = INFERENCE.replace(
        "import json, os\n", "import json, os\nfrom container import capture\n"
    )
    for mark, handler in (("request", "input_fn"), ("response", "output_fn")):
        marked = marked.replace(f"def {handler}", f"@capture.{mark}\ndef {handler}")
    return marked


def spec_of(name: str, deploy: str, monitor: str = WATCHED) -> ModelSpec:
    return parse_spec(text_of(name, deploy) + monitor)


def captured(name: str, endpoint: str) -> list[dict[str, Any]]:
    """The two records of a model, by their inference ids, once they are there."""
    folder = f"s3://{BUCKET}/{name}/capture/{endpoint}/main/"

    def both() -> list[str]:
        texts = [clients.read_text(f"s3://{BUCKET}/{key}") for key in clients.list_objects(folder)]
        lines = [line for text in texts for line in text.splitlines()]
        return lines if len(lines) == 2 else []

    records = [json.loads(line) for line in await_true(both, f"two records of {name}")]
    return sorted(records, key=lambda record: str(record["eventMetadata"]["inferenceId"]))


def hidden(*rows: str) -> list[str]:
    return [hashlib.sha256(row.encode()).hexdigest()[:16] for row in rows]


def sides(records: list[dict[str, Any]], side: str) -> list[str]:
    return [record["captureData"][side]["data"].strip() for record in records]


def test_requests_come_to_s3_with_their_ids_and_without_a_column(
    account: Account, handlers: str
) -> None:
    spec = spec_of(account.name, "{strategy: serverless}")
    folder = Path(os.environ["FRUGAL_INCLUDE"]) / "container"
    files = {f"container/{name}.py": (folder / f"{name}.py").read_bytes() for name in MODULES}
    files["inference.py"] = handlers.encode()
    inputs = account.version(2)
    _, source = publish.publish(files, f"s3://{BUCKET}/{account.name}/code")
    inputs = dataclasses.replace(inputs, run=dataclasses.replace(inputs.run, source=source))
    account.take_live(spec, inputs)
    assert account.ask("2", InferenceId="first") == "4"
    assert account.ask("3", CustomAttributes="inference-id=second") == "6"
    records = captured(account.name, account.name)
    assert sides(records, "endpointInput") == hidden("2", "3")
    assert sides(records, "endpointOutput") == ["4", "6"]
    ids = [record["eventMetadata"]["inferenceId"] for record in records]
    assert ids == ["first", "second"]
    account.take_away("{strategy: serverless}")


def test_each_model_of_many_is_captured_by_itself(account: Account, handlers: str) -> None:
    deploy = f"{{strategy: multi-model, endpoint: {account.name}, instance: ml.m5.large}}"
    names = [f"{account.name}-{letter}" for letter in "abc"]
    specs = [
        spec_of(name, deploy, monitor)
        for name, monitor in zip(
            names, [WATCHED, 'monitor: {schedule: "@hourly"}\n', ""], strict=True
        )
    ]
    targets = []
    for factor, spec in enumerate(specs, start=2):
        folder = Path(os.environ["FRUGAL_INCLUDE"]) / "models" / spec.name
        folder.mkdir(parents=True)
        (folder / "inference.py").write_text(handlers)
        inputs = account.take_live(spec, account.version(factor, spec.name))
        targets.append(publishing.go_live(spec, inputs)["TargetModel"])
    for row in ("5", "6"):
        answers = [
            account.ask(row, TargetModel=target, InferenceId=f"id-{row}") for target in targets
        ]
        assert answers == [str(int(row) * factor) for factor in (2, 3, 4)]

    first, second = captured(names[0], account.name), captured(names[1], account.name)
    assert sides(first, "endpointInput") == hidden("5", "6")
    assert sides(second, "endpointInput") == ["5", "6"]
    assert sides(second, "endpointOutput") == ["15", "18"]
    assert [record["eventMetadata"]["inferenceId"] for record in second] == ["id-5", "id-6"]
    assert not clients.list_objects(f"s3://{BUCKET}/{names[2]}/capture/")
    for spec in specs:
        remove.remove(remove.find(spec))
    assert not clients.list_objects(f"s3://{BUCKET}/serving/{account.name}/capture/")
