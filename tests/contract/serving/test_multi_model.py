"""Multi-model endpoints: many models behind one, each published, asked, replaced and removed by itself."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from frugal.aws import clients
from frugal.aws.run import Inputs
from frugal.serving import multi_model, publish, remove
from tests.contract.serving.conftest import BUCKET, INFERENCE, LOADED_MODELS, Account

MODELS = 50
REQUESTS = 200


@pytest.fixture
def shared(account: Account) -> str:
    """The deploy section of every model here: they share the account's endpoint."""
    scaled = "instance: ml.m5.large, autoscale: {max: 2}"
    return f"{{strategy: multi-model, endpoint: {account.name}, {scaled}}}"


def write_code(models: Mapping[str, object] | list[str]) -> None:
    """inference.py of each model, the same for all."""
    include = Path(__import__("os").environ["FRUGAL_INCLUDE"])
    for name in models:
        folder = include / "models" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "inference.py").write_text(INFERENCE)


def live(account: Account, deploy: str, name: str, factor: float) -> str:
    """Take a version of one model live; returns its TargetModel."""
    spec = account.spec(deploy, name)
    inputs: Inputs = account.take_live(spec, account.version(factor, name))
    return publish.go_live(spec, inputs)["TargetModel"]


def test_models_come_and_go_without_touching_each_other(account: Account, shared: str) -> None:
    first, second = f"{account.name}-a", f"{account.name}-b"
    write_code([first, second])
    target = live(account, shared, first, 10)
    config = account.status()["EndpointConfigName"]
    sibling = live(account, shared, second, 100)
    assert account.status()["EndpointConfigName"] == config, "a sibling needs no update"
    assert account.left()["targets"] == [f"endpoint/{account.name}/variant/main"]
    assert account.ask("2", TargetModel=target) == "20"
    assert account.ask("2", TargetModel=sibling) == "200"
    newer = live(account, shared, first, 1000)
    assert account.ask("2", TargetModel=newer) == "2000"
    spec = account.spec(shared, first)
    pointer = clients.read_json(multi_model.current(spec.name, account.name, BUCKET))
    assert pointer == {"TargetModel": newer}
    gone = remove.remove(remove.find(spec))
    assert all(line.startswith("artefact") for line in gone)
    assert account.ask("2", TargetModel=sibling) == "200"
    with pytest.raises(ClientError):
        account.ask("2", TargetModel=f"{first}/never.tar.gz")
    remove.remove(remove.find(account.spec(shared, second)))
    assert account.left() == {}


def test_fifty_models_answer_under_load_though_ten_fit_into_memory(
    account: Account, shared: str
) -> None:
    names = [f"{account.name}-{number}" for number in range(MODELS)]
    write_code(names)
    live(account, shared, names[0], 1)
    targets = {}
    for number, name in enumerate(names):
        spec, inputs = account.spec(shared, name), account.version(number + 1, name)
        targets[number + 1] = publish.publish_model(spec, inputs)["target"]

    def ask(number: int) -> tuple[str, str]:
        factor = number % MODELS + 1
        return account.ask("2", TargetModel=targets[factor]), str(2 * factor)

    with ThreadPoolExecutor(4) as pool:
        for answer, expected in pool.map(ask, range(REQUESTS)):
            assert answer == expected
    assert MODELS > LOADED_MODELS
    for name in names:
        remove.remove(remove.find(account.spec(shared, name)))
    assert account.left() == {}
