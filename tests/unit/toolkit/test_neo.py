"""The local Neo: what it compiles and refuses, the artefact's runtime, and its model server."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from .conftest import INCLUDE, OBJECTIVES, TOOLKIT, Container, served

COMPILE = TOOLKIT / "neo_compile.py"
TARGET = {"TargetDevice": "ml_c5", "S3OutputLocation": "s3://bucket/compiled"}

RUN = """
import sys, dlr, numpy
model = dlr.DLRModel(sys.argv[1])
rows, expected = numpy.load(sys.argv[2] + "/rows.npy"), numpy.load(sys.argv[2] + "/predictions.npy")
(found,) = model.run(rows)
assert found.shape == (len(rows), expected.size // len(rows)), found.shape
(named,) = model.run({"data": rows[0]})
assert (named == found[:1]).all()
print(float(abs(found.reshape(expected.shape) - expected).max()))
"""


def compile_in(
    container: Container, archive: Path | None = None, **source: object
) -> subprocess.CompletedProcess[str]:
    """Run the compiler as CreateCompilationJob does."""
    target = TARGET | dict(source.pop("target", {}))  # type: ignore[call-overload]
    config = {"InputConfig": {"Framework": "XGBOOST", **source}, "OutputConfig": target}
    container.write("input/config/compilation.json", config)
    (container.base / "input/model").mkdir(parents=True, exist_ok=True)
    if archive:
        with tarfile.open(archive) as tar:
            tar.extractall(container.base / "input/model")
    return container.run(COMPILE)


def failure(container: Container) -> str:
    return container.read("output/failure")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_compiled_model_predicts_as_xgboost_does(
    neo_container: Container, trained: Path, objective: str
) -> None:
    model = trained / objective.replace(":", "-")
    shape = '{"data":[1,6]}'

    done = compile_in(neo_container, model / "model.tar.gz", DataInputConfig=shape)

    assert done.returncode == 0, done.stderr
    neo_container.environment["PYTHONPATH"] = str(TOOLKIT / "neo")
    run = neo_container.run("-c", RUN, neo_container.base / "output/compiled", model)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 1e-5


@pytest.mark.parametrize(
    ("file", "complaint"), [("xgboost-model", "UBJSON"), ("model.json", "3.0.5")]
)
def test_model_of_a_later_xgboost_is_refused_naming_the_limit(
    neo_container: Container, trained: Path, file: str, complaint: str
) -> None:
    neo_container.write("input/model/x.model", (trained / "reg-gamma" / file).read_bytes())

    assert compile_in(neo_container).returncode == 1
    assert failure(neo_container).startswith(
        "ClientError: InputConfiguration: Invalid XGBoost model"
    )
    assert "Neo supports XGBoost up to 1.3.3" in failure(neo_container)
    assert complaint in failure(neo_container)


def test_json_of_xgboost_1_3_is_compiled(neo_container: Container, trained: Path) -> None:
    model = json.loads((trained / "reg-gamma" / "model.json").read_text())
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        tree["default_left"] = [bool(value) for value in tree["default_left"]]
    model["version"] = [1, 3, 3]
    neo_container.write("input/model/x.model", model)

    assert compile_in(neo_container).returncode == 0


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ({"Framework": "PYTORCH"}, "PYTORCH models are not compiled by the local Neo"),
        ({"FrameworkVersion": "2.0"}, "Framework version 2.0 is not supported for XGBOOST"),
        ({"DataInputConfig": '{"data":[1,7]}'}, "the model has 6 features"),
        ({"DataInputConfig": "{data"}, "DataInputConfig is not JSON"),
        ({"target": {"TargetDevice": "ml_inf1"}}, "not for ml_inf1"),
    ],
)
def test_what_neo_does_not_take_is_refused(
    neo_container: Container, trained: Path, source: dict[str, object], complaint: str
) -> None:
    archive = trained / "reg-gamma" / "model.tar.gz"

    assert compile_in(neo_container, archive, **source).returncode == 1
    assert failure(neo_container).startswith("ClientError: InputConfiguration: ")
    assert complaint in failure(neo_container)
    assert not (neo_container.base / "output/compiled").exists()


@pytest.mark.parametrize(
    ("names", "found"), [([], "found none"), (["a.model", "b.model"], "found a.model, b.model")]
)
def test_archive_holds_exactly_one_model(
    neo_container: Container, names: list[str], found: str
) -> None:
    for name in names:
        neo_container.write(f"input/model/{name}", b"binf")

    assert compile_in(neo_container).returncode == 1
    assert found in failure(neo_container)


@pytest.mark.parametrize("kept", [0, 3, 100, 500, -5])
def test_broken_model_is_refused(neo_container: Container, trained: Path, kept: int) -> None:
    archive = trained / "reg-gamma" / "model.tar.gz"
    with tarfile.open(archive) as tar:
        content = tar.extractfile("xgboost.model").read()  # type: ignore[union-attr]
    neo_container.write("input/model/x.model", content[:kept])

    assert compile_in(neo_container).returncode == 1
    assert "Invalid XGBoost model" in failure(neo_container)


def test_model_server_takes_csv(neo_container: Container, trained: Path) -> None:
    container, model = neo_container, trained / "reg-squarederror"
    assert compile_in(container, model / "model.tar.gz").returncode == 0
    shutil.copytree(container.base / "output/compiled", container.base / "model")
    container.environment["PYTHONPATH"] = str(TOOLKIT / "neo")
    rows = "0.5,nan,1,2,3,-4\n1,1,1,1,1,1\n"
    direct = container.run(
        "-c",
        "import dlr, numpy, sys; print(dlr.DLRModel(sys.argv[1]).run(numpy.array("
        "[[0.5, numpy.nan, 1, 2, 3, -4], [1] * 6]))[0].ravel().tolist())",
        container.base / "model",
    )
    answers = {}
    with served(container, TOOLKIT / "neo_serve.py") as connection:
        for kind, body in [("text/csv", rows), ("application/json", "[]"), ("text/csv", "1,x")]:
            connection.request("POST", "/invocations", body, {"Content-Type": kind})
            response = connection.getresponse()
            answers[body] = (response.status, response.read().decode())

    status, text = answers[rows]
    assert status == 200
    assert [float(value) for value in text.strip().split(",")] == json.loads(direct.stdout)
    assert answers["[]"][0] == 400
    assert "Invalid content type" in answers["[]"][1]
    assert answers["1,x"] == (500, "Internal Server Error occured")


PARITY_FILES = """
import json, sys, numpy
source, target = sys.argv[1:]
rows, expected = numpy.load(source + "/rows.npy"), numpy.load(source + "/predictions.npy")
numpy.savetxt(target + "/rows.csv", rows, fmt="%.9g", delimiter=",")
numpy.savetxt(target + "/predictions.csv", expected, fmt="%.9g", delimiter=",")
"""


def evaluated(container: Container, model: Path, tolerance: float) -> Path:
    """Inputs ``code`` and ``evaluation`` of the jobs that check a compiled model."""
    inputs = container.base / "processing/input"
    container.write("processing/input/evaluation/parity/latency.json", {"runtime": "xgboost"})
    done = container.run("-c", PARITY_FILES, model, inputs / "evaluation/parity")
    assert done.returncode == 0, done.stderr
    (inputs / "evaluation/portable").mkdir()
    shutil.copy(model / "model.tar.gz", inputs / "evaluation/portable")
    shutil.copytree(INCLUDE / "container", inputs / "code/container")
    container.write("processing/input/code/spec.json", {"compile": {"tolerance": tolerance}})
    container.environment["PYTHONPATH"] = f"{TOOLKIT / 'neo'}:{inputs / 'code'}"
    return inputs


@pytest.mark.parametrize(("objective", "moved"), [("reg:squarederror", False), ("reg:gamma", True)])
def test_check_reports_parity_latency_and_size(
    neo_container: Container, trained: Path, objective: str, moved: bool
) -> None:
    container, model = neo_container, trained / objective.replace(":", "-")
    checked = trained / "reg-squarederror"
    assert compile_in(container, model / "model.tar.gz").returncode == 0
    inputs = evaluated(container, checked, 1e-5)
    (inputs / "compiled").mkdir()
    with tarfile.open(inputs / "compiled/model-ml_c5.tar.gz", "w:gz") as tar:
        for file in (container.base / "output/compiled").iterdir():
            tar.add(file, file.name)

    done = container.run("-m", "container.compile_check")

    document = json.loads(container.read("processing/output/check/compile.json"))
    assert done.returncode == int(moved), done.stderr
    assert document["backend"] == "neo"
    assert document["parity"]["passed"] is not moved
    assert document["parity"]["rows"] == 800
    assert document["latency"]["before"] == {"runtime": "xgboost"}
    assert document["latency"]["after"]["single_row_us"]["p50"] > 0
    assert document["latency"]["after"]["memory_mb"] > 10
    assert document["latency"]["after"]["batch_rows"] == 800
    assert document["size_bytes"]["after"] > 0
    assert (container.base / "output/message").exists() is moved
    if moved:
        assert "predicts differently" in container.read("output/message")


@pytest.mark.parametrize("module", ["archives", "compile_check", "measure", "__init__"])
def test_check_runs_on_the_python_of_neos_image(module: str) -> None:
    import ast

    source = (INCLUDE / "container" / f"{module}.py").read_text()
    tree = ast.parse(source, feature_version=(3, 6))
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "__future__" not in imported
    assert {name for name in imported if name and name.startswith("container")} <= {"container"}
