"""Networks as ONNX graphs: predictions that stay, layers of one byte, and what is refused."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from container import networks, onnx_networks, scaled_network
from container.features import FeatureSchema
from container.onnx_int8 import quantised
from container.splits import row_groups

from .conftest import NetworkJob


@pytest.fixture
def example(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository / "include/models/house-prices-network"))


def predict(graph: bytes, rows: Any) -> Any:
    session = onnxruntime.InferenceSession(graph)
    return session.run(None, {"features": rows})[0]


def held_out(job: NetworkJob) -> tuple[Any, Any, FeatureSchema]:
    schema = FeatureSchema.load(job.base / "model")
    tables = list(row_groups(job.splits / "test", schema.columns))
    rows = np.concatenate([schema.matrix(table) for table in tables])
    return rows, np.concatenate([schema.labels(table) for table in tables]), schema


@pytest.mark.usefixtures("example")
def test_the_graph_predicts_the_same_and_takes_any_number_of_rows(trained: NetworkJob) -> None:
    rows, _, _ = held_out(trained)
    assert np.isnan(rows).any()
    graph = networks.graph(trained.base / "model")
    expected = scaled_network.predict(scaled_network.load(trained.base / "model"), rows)
    np.testing.assert_allclose(predict(graph, rows)[:, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(predict(graph, rows[:1])[:, 0], expected[:1], rtol=1e-5)
    (opset,) = onnx.load_from_string(graph).opset_import
    assert opset.version == onnx_networks.OPSET


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_layers_become_integers_and_errors_stay_small(trained: NetworkJob, kind: str) -> None:
    rows, labels, schema = held_out(trained)
    graph = networks.graph(trained.base / "model")
    small = quantised(graph, kind, trained.splits / "train", schema)
    stored = {tensor.data_type for tensor in onnx.load_from_string(small).graph.initializer}
    assert onnx.TensorProto.UINT8 in stored
    errors = [
        float(np.sqrt(np.mean((predict(found, rows)[:, 0] - labels) ** 2)))
        for found in (graph, small)
    ]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)
    assert errors[1] != errors[0]


def test_what_has_no_layer_is_not_quantised() -> None:
    network = scaled_network.ScaledNetwork(torch.nn.Identity(), 2, "squared_error")
    with pytest.raises(ValueError, match="none of the layers MatMul, Gemm, Conv"):
        quantised(onnx_networks.to_onnx(network), "dynamic", Path("unused"), None)  # type: ignore[arg-type]


@pytest.mark.usefixtures("example")
def test_a_quantised_network_that_lost_too_much_fails_the_job(
    trained: NetworkJob, job: NetworkJob
) -> None:
    """Against a truth that the network itself told, whatever moves is a loss."""
    inputs = job.base / "processing" / "input"
    compiling = {"backend": "onnx", "tolerance": 1e-4, "int8": "static", "metric_loss": 0.02}
    job.stage_code(inputs / "code", {"compile": compiling, "evaluate": {"metric": "rmse"}})
    (inputs / "model").mkdir()
    with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz") as archive:
        archive.add(trained.base / "model", ".")
    shutil.copytree(job.splits / "train", inputs / "train")
    rows, _, _ = held_out(trained)
    predictions = scaled_network.predict(scaled_network.load(trained.base / "model"), rows)
    parity = inputs / "evaluation" / "parity"
    parity.mkdir(parents=True)
    np.savetxt(parity / "rows.csv", rows, fmt="%.9g", delimiter=",")
    for name in ("labels", "predictions"):
        np.savetxt(parity / f"{name}.csv", predictions, fmt="%.9g")
    (parity / "latency.json").write_text("{}")

    done = job.process("compile_onnx")

    assert done.returncode == 1, done.stderr
    message = (job.base / "output" / "message").read_text()
    assert message.startswith("the quantised model is worse: rmse 0 became ")
    assert message.endswith("allowed is +2.00% (compile.metric_loss)")
    document = json.loads((job.base / "processing/output/compiled/compile.json").read_text())
    assert document["int8"] == "static"
    assert document["parity"]["max_rel"] > 1e-4
    assert document["size_bytes"]["after"] < document["size_bytes"]["before"]
