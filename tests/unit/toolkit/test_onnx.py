"""The onnx backend: the compile job in the XGBoost image, and serving its archive there."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.contract.waiting import PATIENCE_SECONDS

from .conftest import INCLUDE, TOOLKIT, Container, served
from .test_neo import PARITY_FILES


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> Path:
    """What the job installs before it starts, installed once for the tests here."""
    base = tmp_path_factory.mktemp("job")
    container = Container(
        base, str(python_of("images/xgboost-3.0-5")), {"PYTHONPATH": str(INCLUDE)}
    )
    done = container.run("-c", "from container import compile_onnx; compile_onnx.install()")
    assert done.returncode == 0, done.stderr
    return base / "packages"


class Bucket(ThreadingHTTPServer):
    """Takes whatever is put, by its path."""

    objects: dict[str, bytes]
    written: threading.Event

    class Put(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert isinstance(self.server, Bucket)
            self.server.objects[self.path] = body
            self.server.written.set()
            self.send_response(200)
            self.end_headers()


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with Bucket(("127.0.0.1", 0), Bucket.Put) as server:
        server.objects, server.written = {}, threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def compile_onnx(
    container: Container, packages: Path, model: Path, checked: Path, tolerance: float
) -> subprocess.CompletedProcess[str]:
    """Run the job on ``model``, held against the predictions of ``checked``."""
    inputs = container.base / "processing/input"
    container.write("processing/input/evaluation/parity/latency.json", {"runtime": "xgboost"})
    spec = {"train": {"framework": "xgboost"}, "compile": {"tolerance": tolerance}}
    container.write("processing/input/code/spec.json", spec)
    container.write("features.json", {"features": []})
    container.run("-c", PARITY_FILES, checked, inputs / "evaluation/parity")
    shutil.copytree(INCLUDE / "container", inputs / "code/container")
    (inputs / "model").mkdir()
    with tarfile.open(inputs / "model/model.tar.gz", "w:gz") as tar:
        tar.add(model / "xgboost-model", "xgboost-model")
        tar.add(container.base / "features.json", "features.json")
    container.environment["PYTHONPATH"] = f"{inputs / 'code'}:{packages}"
    return container.run("-m", "container.compile_onnx")


def test_archive_predicts_the_same_and_serves_itself(
    xgboost_container: Container, packages: Path, trained: Path, bucket: Bucket
) -> None:
    container, model = xgboost_container, trained / "reg-squarederror"

    done = compile_onnx(container, packages, model, model, 1e-5)

    assert done.returncode == 0, done.stderr
    output = container.base / "processing/output/compiled"
    document = json.loads((output / "compile.json").read_text())
    assert document["parity"]["passed"]
    assert document["latency"]["before"] == {"runtime": "xgboost"}
    assert document["latency"]["after"]["runtime"].startswith("onnxruntime ")
    assert document["size_bytes"]["after"] == (output / "model.tar.gz").stat().st_size
    with tarfile.open(output / "model.tar.gz") as tar:
        tar.extractall(container.base / "model")
    container.environment = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": str(container.base / "model/code"),
        "FRUGAL_CAPTURE_TO": "s3://captured/onnx",
        "FRUGAL_CAPTURE_FLUSH_SECONDS": "0.1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{bucket.server_port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "SAGEMAKER_REGION": "us-east-1",
    }
    rows = (container.base / "processing/input/evaluation/parity/rows.csv").read_text()
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    headers["X-Amzn-SageMaker-Inference-Id"] = "first"
    with served(container, TOOLKIT / "serve.py") as connection:
        connection.request("POST", "/invocations", rows.replace("nan", ""), headers)
        response = connection.getresponse()
        answered = response.read().decode()
        assert bucket.written.wait(PATIENCE_SECONDS)
    ((path, captured),) = bucket.objects.items()
    record = json.loads(captured)
    assert path.startswith("/captured/onnx/20")
    assert record["eventMetadata"]["inferenceId"] == "first"
    assert record["captureData"]["endpointOutput"]["data"] == answered
    expected = container.base / "processing/input/evaluation/parity/predictions.csv"
    assert response.status == 200
    assert [float(line) for line in answered.split()] == pytest.approx(
        [float(line) for line in expected.read_text().split()], abs=1e-5
    )


def test_moved_predictions_fail_the_job_with_the_reason(
    xgboost_container: Container, packages: Path, trained: Path
) -> None:
    done = compile_onnx(
        xgboost_container, packages, trained / "reg-gamma", trained / "reg-squarederror", 1e-5
    )

    assert done.returncode == 1
    assert "predicts differently" in xgboost_container.read("output/message")
