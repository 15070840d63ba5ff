"""A neural network as PyTorch predicts it, and as ONNX Runtime does, in float32 and in one byte."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.compiled import jobs
from bench.compiled.jobs import FEATURES, HELD_OUT, INCLUDE, NAMES, REPOSITORY, TURNS, Figures

HIDDEN, STEPS, BATCH = "256,128", 600, 512
PROGRAM = ("-m", "bench.compiled.network")
EXAMPLE = INCLUDE / "models" / "house-prices-network"


def spec(int8: str | None) -> dict[str, Any]:
    """What the compile job reads of model.yaml."""
    compiled = {"tolerance": 1e-4, "int8": int8, "metric_loss": 0.1}
    return {
        "train": {"framework": "pytorch"},
        "evaluate": {"metric": "rmse"},
        "compile": compiled,
    }


def run() -> dict[str, Figures]:
    """Figures by form."""
    python = jobs.python_of("pytorch-2.13")
    forms = {"network, onnx": None, "network, int8": "static"}
    taken: dict[str, list[Figures]] = {"network": [], **{form: [] for form in forms}}
    code = {name: (EXAMPLE / name).read_text() for name in ("inference.py", "network.py")}
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        jobs.publish(base, spec(None), code)
        jobs.run_in(base, python, *PROGRAM, "train", more=REPOSITORY)
        for _ in range(TURNS):
            jobs.run_in(base, python, *PROGRAM, "native", more=REPOSITORY)
            for form, int8 in forms.items():
                jobs.publish(base, spec(int8), {})
                jobs.run_in(base, python, "-m", "container.compile_onnx")
                found = jobs.document(base, "compiled")
                taken[form].append(jobs.figures(found, "after"))
            taken["network"].append(jobs.figures(found, "before"))
    return jobs.medians(taken)


def _train() -> None:
    """The network, its training split and its held-out rows, where the jobs look for them."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import torch

    from container import scaled_network
    from container.features import FeatureSchema
    from container.paths import processing_input

    rows, target = jobs.sample()
    data, labels = torch.from_numpy(rows), torch.from_numpy(target.astype("float32"))
    torch.manual_seed(0)
    architecture = {
        "features": FEATURES,
        "outputs": 1,
        "loss": "squared_error",
        "hyperparameters": {"hidden": HIDDEN},
    }
    network = scaled_network.make(architecture)
    network.learn_scales(data, labels)
    mean, deviation = network.target
    optimiser = torch.optim.AdamW(network.body.parameters(), lr=0.003)
    for _ in range(STEPS):
        some = torch.randint(len(rows), (BATCH,))
        wanted = (labels[some] - mean) / deviation
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(network.margins(data[some])[:, 0], wanted).backward()
        optimiser.step()
    network.eval()
    model, train = processing_input("model"), processing_input("train")
    for folder in (model, train):
        folder.mkdir(parents=True)
    scaled_network.save(network, architecture, model)
    types = dict.fromkeys([*NAMES, "y"], "float")
    FeatureSchema(NAMES, "y", types, {}).save(model)
    jobs.pack(model)
    columns = {name: rows[:, at] for at, name in enumerate(NAMES)}
    pq.write_table(pa.table({**columns, "y": target}), train / "part-0.parquet")
    held_out = rows[:HELD_OUT]
    jobs.write_parity(held_out, target[:HELD_OUT], scaled_network.predict(network, held_out))


if __name__ == "__main__":
    if sys.argv[1] == "train":
        _train()
    else:
        jobs.measure_native("torch")
