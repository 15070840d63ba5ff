"""Tracing for Inferentia, as far as it goes without its chips: Neuron's runtime is a stand-in here, PyTorch itself."""

from __future__ import annotations

import ast
import importlib
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from container import neuron_inference, scaled_network, trace_network

from .conftest import NetworkJob
from .test_onnx import held_out

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

BATCH = 16
OLD = (
    "archives",
    "csv_body",
    "measure",
    "scaled_network",
    "trace_network",
    "neuron_inference",
    "neuron_serving",
)


@pytest.fixture
def inputs(
    trained: NetworkJob, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """What the job is given: the archive, the held-out rows, what the network says of them, and spec.json."""
    monkeypatch.syspath_prepend(str(repository / "include/models/house-prices-network"))
    given = tmp_path / "given"
    (given / "model").mkdir(parents=True)
    with tarfile.open(given / "model" / "model.tar.gz", "w:gz") as archive:
        archive.add(trained.base / "model", ".")
    rows, _, _ = held_out(trained)
    parity = given / "evaluation" / "parity"
    parity.mkdir(parents=True)
    np.savetxt(parity / "rows.csv", rows, fmt="%.9g", delimiter=",")
    expected = scaled_network.predict(scaled_network.load(trained.base / "model"), rows)
    np.savetxt(parity / "predictions.csv", expected, fmt="%.9g")
    (parity / "latency.json").write_text('{"runtime": "torch"}')
    (given / "code").mkdir()
    spec = {"compile": {"tolerance": 1e-4, "batch_rows": BATCH}}
    (given / "code" / "spec.json").write_text(json.dumps(spec))
    yield given
    sys.modules.pop("torch_neuronx", None)


def rows_of(inputs: Path) -> tuple[Any, Any]:
    parity = inputs / "evaluation" / "parity"
    rows = np.genfromtxt(parity / "rows.csv", delimiter=",", dtype=np.float32)
    return rows, np.genfromtxt(parity / "predictions.csv", delimiter=",")


def test_neo_gets_one_traced_file_of_a_fixed_shape(inputs: Path, tmp_path: Path) -> None:
    trace_network.for_neo(inputs, tmp_path / "traced")
    with tarfile.open(tmp_path / "traced" / "model.tar.gz") as archive:
        assert archive.getnames() == ["model.pth"]
        archive.extractall(tmp_path, filter="data")
    rows, expected = rows_of(inputs)
    graph = torch.jit.load(str(tmp_path / "model.pth"))
    found = neuron_inference.in_batches(graph, rows, BATCH)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_moved_predictions_stop_the_trace(inputs: Path, tmp_path: Path) -> None:
    np.savetxt(inputs / "evaluation/parity/predictions.csv", rows_of(inputs)[1] * 1.01)
    with pytest.raises(trace_network.TraceError, match="predicts differently"):
        trace_network.for_neo(inputs, tmp_path / "traced")
    assert not (tmp_path / "traced").exists()


def test_what_neuronx_compiled_serves_itself(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch_neuronx.py").write_text(
        "import torch\n\ndef trace(network, example, compiler_args):\n"
        "    assert compiler_args == ['--target', 'inf2']\n    return torch.jit.trace(network, example)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    model = tmp_path / "model"
    trace_network.for_neuronx(inputs, model, tmp_path / "report")
    document = json.loads((tmp_path / "report" / "compile.json").read_text())
    assert document["parity"]["passed"]
    assert (
        (model / "code" / "inference.py").read_text().startswith("from container.neuron_inference")
    )
    rows, expected = rows_of(inputs)
    loaded = neuron_inference.model_fn(str(model))
    sent = "\n".join(
        ",".join("" if np.isnan(v) else repr(float(v)) for v in row) for row in rows[:37]
    )
    answer, _ = neuron_inference.output_fn(
        neuron_inference.predict_fn(neuron_inference.input_fn(sent, "text/csv"), loaded), "text/csv"
    )
    np.testing.assert_allclose([float(line) for line in answer.split()], expected[:37], rtol=1e-4)


def test_without_neurons_runtime_nothing_is_served(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no Neuron runtime"):
        neuron_inference.model_fn(str(tmp_path))


@pytest.mark.parametrize("name", OLD)
def test_modules_of_the_older_images_are_read_by_their_python(name: str, repository: Path) -> None:
    text = (repository / "include" / "container" / f"{name}.py").read_text()
    ast.parse(text, feature_version=(3, 8))
