"""What a model.yaml means once it is read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from frugal.spec import SpecError, parse_spec
from frugal.spec.regions import REGIONS
from frugal.spec.train import VERSIONS


def test_the_shortest_file_has_under_15_lines_and_sensible_defaults(shortest: str) -> None:
    spec = parse_spec(shortest)
    assert len(shortest.splitlines()) < 15
    assert spec.features == ("tenure",)
    assert spec.raw_prefix == "churn/raw/"
    assert [rung.spot for rung in spec.train.capacity] == [True, False]
    assert spec.deploy.strategy == "serverless"


def test_spec_json_has_every_default_filled_in(shortest: str) -> None:
    document = parse_spec(shortest).document()
    assert document["data"]["features"] == ["tenure"]
    assert document["data"]["split"] == {
        "by": ["customer_id"],
        "train": 0.7,
        "validation": 0.15,
        "test": 0.15,
        "salt": "churn",
    }
    assert document["train"]["max_run"] == "3600s"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", timedelta(seconds=90)), ("15m", timedelta(minutes=15)), ("1d", timedelta(days=1))],
)
def test_durations(shortest: str, text: str, expected: timedelta) -> None:
    spec = parse_spec(shortest + f"train: {{max_run: {text}}}\n")
    assert spec.train.max_run == expected
    assert spec.train.longest(spec.train.capacity[0]) == 2 * expected


@pytest.mark.parametrize("text", ["99999999999d", "3651d", "999999999d"])
def test_a_duration_that_cannot_be_meant_is_a_mistake(shortest: str, text: str) -> None:
    with pytest.raises(SpecError, match=r"line 8: train\.max_run: a duration is 3650d at most"):
        parse_spec(shortest + f"train: {{max_run: {text}}}\n")


def test_a_job_of_more_than_a_day_has_to_be_meant(shortest: str) -> None:
    """It is what a job may bill for when Airflow is gone."""
    long = shortest + "train: {max_run: 25h}\n"
    with pytest.raises(SpecError, match=r"train\.max_run: a job that nobody watches"):
        parse_spec(long)
    assert parse_spec(long + "budget: {longest_job: 2d}\n").train.max_run == timedelta(hours=25)
    with pytest.raises(SpecError, match=r"preprocess\.max_run"):
        parse_spec(shortest + "budget: {longest_job: 10m}\n")


@pytest.mark.parametrize("framework", VERSIONS)
def test_the_regions_to_train_in_are_those_with_an_image(repository: Path, framework: str) -> None:
    text = (repository / "include/images.yaml").read_text(encoding="utf-8")
    images = yaml.safe_load(text)["images"][framework]
    for version in VERSIONS[framework]:
        assert set(REGIONS[framework]) == images[version].keys()


def test_a_neo_model_needs_its_own_instance_family(shortest: str) -> None:
    compiled = shortest + "compile: {backend: neo, target: ml_c5}\n"
    valid = parse_spec(compiled + "deploy: {strategy: realtime, instance: ml.c5.xlarge}\n")
    assert valid.compile.target == "ml_c5"
    with pytest.raises(SpecError, match="bound to an instance family"):
        parse_spec(compiled + "deploy: {strategy: serverless}\n")
