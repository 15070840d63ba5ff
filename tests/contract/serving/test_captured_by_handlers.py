"""What a serverless endpoint is asked, captured by the model's own handlers, with a column hidden."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

from frugal.aws import clients, publish
from frugal.spec import parse_spec
from tests.contract.waiting import await_true

from .conftest import BUCKET, INFERENCE, SPEC, Account

WATCHED = 'monitor: {schedule: "@hourly", pii: {tenure: hash}}\n'


def test_requests_are_in_s3_once_the_endpoint_is_gone(account: Account, repository: Path) -> None:
    spec = parse_spec(
        SPEC.format(name=account.name, deploy="{strategy: serverless}") + WATCHED,
    )
    handlers = INFERENCE.replace(
        "import json, os\n", "import json, os\nfrom container import capture\n"
    )
    for mark, handler in (("request", "input_fn"), ("response", "output_fn")):
        handlers = handlers.replace(f"def {handler}", f"@capture.{mark}\ndef {handler}")
    files = {
        "inference.py": handlers.encode(),
        "container/__init__.py": b"",
        **{
            f"container/{name}.py": (repository / f"include/container/{name}.py").read_bytes()
            for name in ("capture", "pii")
        },
    }
    inputs = account.version(2)
    _, source = publish.publish(files, f"s3://{BUCKET}/{account.name}/code")
    inputs = dataclasses.replace(inputs, run=dataclasses.replace(inputs.run, source=source))
    account.take_live(spec, inputs)
    assert [account.ask(row) for row in ("2", "3")] == ["4", "6"]
    account.take_away("{strategy: serverless}")

    folder = f"s3://{BUCKET}/{account.name}/capture/{account.name}/main/"
    (key,) = await_true(lambda: clients.list_objects(folder), "what was captured")
    lines = clients.read_text(f"s3://{BUCKET}/{key}").splitlines()
    sides = [json.loads(line)["captureData"] for line in lines]
    hidden = [hashlib.sha256(row.encode()).hexdigest()[:16] for row in ("2", "3")]
    assert [side["endpointInput"]["data"].strip() for side in sides] == hidden
    assert [side["endpointOutput"]["data"].strip() for side in sides] == ["4", "6"]
