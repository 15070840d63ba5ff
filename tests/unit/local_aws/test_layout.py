"""The /opt/ml of a job and the environment its process sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.execution.images import Image, Images, ImageUnavailable
from local_aws.execution.layout import Layout

URL = "http://127.0.0.1:1"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    table = tmp_path / "images.yaml"
    table.write_text("- {repository: img, tags: ['1'], env: e, train: train.py, pythonpath: neo}")
    binaries = tmp_path / "envs" / "e" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "tool"):
        (binaries / name).write_text("#!/bin/sh\n")
        (binaries / name).chmod(0o755)
    return Images(table, tmp_path / "envs").find("1.dkr.ecr.eu-west-1.amazonaws.com/img:1")


def test_images_are_found_by_repository_and_tag(image: Image, tmp_path: Path) -> None:
    images = Images(tmp_path / "images.yaml", tmp_path / "envs")
    for uri in ("img:1", "x/other:1", "x/img:2", "x/img", ""):
        with pytest.raises(ImageUnavailable, match="which has img:1"):
            images.find(uri)
    with pytest.raises(ImageUnavailable, match="no program to serve"):
        image.program("serve")
    with pytest.raises(ImageUnavailable, match="environment of x/img:1 is missing"):
        Images(tmp_path / "images.yaml", tmp_path / "nowhere").find("x/img:1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/opt/ml", "B"),
        ("/opt/ml/model", "B/model"),
        ("--dir=/opt/ml/input:/opt/ml/x", "--dir=B/input:B/x"),
        ("/opt/mlflow", "/opt/mlflow"),
        ("'/opt/ml'", "'B'"),
    ],
)
def test_opt_ml_is_rewritten(tmp_path: Path, text: str, expected: str) -> None:
    layout = Layout(tmp_path / "job")
    assert layout.rewrite(text) == expected.replace("B", str(tmp_path / "job"))


def test_paths_outside_opt_ml_have_no_place(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "job")
    assert layout.local("/opt/ml/processing/x") == tmp_path / "job" / "processing" / "x"
    for path in ("/tmp/x", "/opt/ml/../../etc", "relative"):
        with pytest.raises(ValueError, match="is not in the subpath"):
            layout.local(path)


def test_the_environment_is_scrubbed(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    layout = Layout(tmp_path / "job")
    asked = {"A": "/opt/ml/a", "PYTHONPATH": "/opt/ml/code", "OMP_NUM_THREADS": "3"}
    found = layout.environment(image, URL, "eu-west-1", asked)
    assert "SECRET" not in found
    assert found["PIP_INDEX_URL"] == "kept"
    assert found["A"] == f"{layout.base}/a"
    assert found["OMP_NUM_THREADS"] == "3"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert found["AWS_ENDPOINT_URL"] == URL
    assert found["PYTHONPATH"].endswith(f"toolkit/neo:{layout.base}/code")


def test_programs_are_found_in_the_image(image: Image, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "job")
    environment = layout.environment(image, URL, "us-east-1", {})
    command = layout.command(["tool", "/opt/ml/x"], environment)
    assert command.argv == [str(image.bin / "tool"), f"{layout.base}/x"]
    with pytest.raises(FileNotFoundError, match='exec: "nothing"'):
        layout.command(["nothing"], environment)
