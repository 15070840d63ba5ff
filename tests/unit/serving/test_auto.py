"""`deploy.strategy: auto`, from model.yaml to the DAG, and the commands that advise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from frugal.aws.settings import INCLUDE_IN_TREE
from frugal.cli import app
from frugal.cost.prices import price_table
from frugal.serving.chooser.auto import resolved
from frugal.serving.chooser.facts import ASSUMED
from frugal.spec import SpecError, load_spec


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example's folder in an include/ of its own, with strategy auto."""
    shutil.copytree(INCLUDE_IN_TREE / "prices", tmp_path / "prices")
    folder = tmp_path / "models" / "house-prices"
    shutil.copytree(INCLUDE_IN_TREE / "models" / "house-prices", folder)
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_REGION", raising=False)
    deploy(folder, "{strategy: auto, traffic: {requests_per_day: 20000}}")
    price_table.cache_clear()
    yield folder
    price_table.cache_clear()


def deploy(folder: Path, section: str) -> None:
    path = folder / "model.yaml"
    sections = ("deploy:", "compile:")
    kept = [line for line in path.read_text().splitlines() if not line.startswith(sections)]
    path.write_text("\n".join([*kept, "compile: {backend: onnx}", f"deploy: {section}", ""]))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def answer(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_auto_becomes_the_cheapest_strategy(model: Path) -> None:
    chosen = resolved(load_spec(model / "model.yaml")).deploy
    assert (chosen.strategy, chosen.memory_mb) == ("serverless", 2048)
    assert answer("choose", "house-prices")["best"] == "serverless on 2048 MB"


def test_what_was_measured_changes_the_choice(model: Path) -> None:
    replace(ASSUMED, memory_mb=5500, source="measured").write(model)
    assert resolved(load_spec(model / "model.yaml")).deploy.instance == "ml.m5.large"


def test_what_was_measured_is_scaled_by(model: Path) -> None:
    deploy(model, "{strategy: realtime, instance: ml.c5.xlarge, autoscale: {max: 3}}")
    spec = load_spec(model / "model.yaml")
    assert resolved(spec) is spec
    assert answer("plan", "house-prices")["scaling"] == {
        "min": 1,
        "max": 3,
        "target": 600.0,
        "source": "a guess that `frugal load-test --save` replaces",
    }
    replace(ASSUMED, throughput={"ml.c5.xlarge": 100.0, "ml.m5.large": 1.0}).write(model)
    scaling = resolved(spec).deploy.scaling
    assert scaling
    assert (scaling.target, scaling.max) == (4200, 3)
    assert answer("plan", "house-prices")["scaling"]["source"] == "measured on ml.c5.xlarge"
    assert "by a target of 4200, measured on ml.c5.xlarge" in run("plan", "house-prices").output
    deploy(model, "{strategy: realtime, instance: ml.c5.xlarge, autoscale: {target: 9}}")
    own = resolved(load_spec(model / "model.yaml")).deploy.scaling
    assert own
    assert own.target == 9


def test_a_batch_plan_has_the_check_of_its_transform_job(model: Path) -> None:
    deploy(model, "{strategy: batch, instances: 2}")
    stages = {stage["stage"]: stage for stage in answer("plan", "house-prices")["run"]["stages"]}
    assert stages["deploy"]["worst"] == pytest.approx(2 * 0.115)


def test_any_other_strategy_stays(model: Path) -> None:
    deploy(model, "{strategy: realtime}")
    spec = load_spec(model / "model.yaml")
    assert resolved(spec) is spec


def test_auto_needs_traffic_and_no_instance(model: Path) -> None:
    deploy(model, "{strategy: auto, instance: ml.m5.large}")
    with pytest.raises(SpecError, match=r"(?s)deploy\.instance.*deploy\.traffic"):
        load_spec(model / "model.yaml")


def test_nothing_open_is_a_mistake_of_the_model(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-south-2")
    with pytest.raises(SpecError, match=r"known price in eu-south-2"):
        resolved(load_spec(model / "model.yaml"))


def test_a_broken_measurement_is_a_mistake_of_the_model(model: Path) -> None:
    (model / "measured.json").write_text("{")
    with pytest.raises(SpecError, match=r"measured\.json"):
        resolved(load_spec(model / "model.yaml"))
    assert run("choose", "house-prices").exit_code == 1


def test_choose_tells_costs_reasons_and_break_evens(model: Path) -> None:
    told = run("choose", "house-prices").output
    assert "Ruled out:" in told
    assert "Chosen: serverless on 2048 MB" in told
    assert "Runner-up: realtime" in told
    assert "requests a day: serverless on 2048 MB" in told


def test_choose_without_traffic_says_what_is_missing(model: Path) -> None:
    deploy(model, "{strategy: realtime}")
    result = run("choose", "house-prices")
    assert result.exit_code == 1
    assert "deploy.traffic is missing" in result.output


def test_plan_adds_up_the_worst_case_and_a_month_of_serving(model: Path) -> None:
    plan = answer("plan", "house-prices")
    stages = {stage["stage"]: stage["worst"] for stage in plan["run"]["stages"]}
    assert list(stages) == ["preprocess", "train", "evaluate", "compile", "baseline"]
    assert plan["run"]["worst"] == pytest.approx(sum(stages.values()))
    assert stages["train"] == pytest.approx(0.23 / 2)
    assert plan["serving"]["strategy"] == "serverless"
    assert "At most" in run("plan", "house-prices").output


@pytest.mark.parametrize(
    ("section", "monthly"),
    [
        ("{strategy: realtime, instances: 2}", 2 * 730 * 0.115),
        ("{strategy: realtime, instance: ml.m5.xlarge, autoscale: {min: 3}}", 3 * 730 * 0.23),
        ("{strategy: serverless}", 0),
        ("{strategy: async}", 0),
        ("{strategy: serverless, provisioned_concurrency: 1}", None),
    ],
)
def test_plan_says_what_stands_and_bills_without_any_traffic(
    model: Path, section: str, monthly: float | None
) -> None:
    deploy(model, section)
    plan = answer("plan", "house-prices")
    assert plan["serving"] is None
    assert plan["standing"] == (monthly if monthly is None else pytest.approx(monthly))
    told = run("plan", "house-prices").output
    assert ("at least unknown" if monthly is None else f"at least {monthly:,.2f}") in told


def test_an_unknown_price_makes_the_plan_unknown(model: Path) -> None:
    plan = answer("plan", "house-prices", "--region", "eu-south-2")
    assert plan["run"]["worst"] is None
    assert "unknown" in run("plan", "house-prices", "--region", "eu-south-2").output


def test_a_model_that_is_not_there_is_named(model: Path) -> None:
    for command in ("choose", "plan"):
        result = run(command, "no-such-model")
        assert result.exit_code == 1
        assert "no-such-model" in result.output
