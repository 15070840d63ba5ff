"""What a compiler takes, and where what it makes can run."""

from __future__ import annotations

import pytest

from frugal.spec import SpecError, parse_spec

NETWORK = "train: {framework: pytorch}\n"


@pytest.mark.parametrize(
    ("sections", "key", "reason"),
    [
        (
            NETWORK + "compile: {backend: neo, target: ml_c5}\ndeploy: {strategy: realtime, instance: ml.c5.large}",
            "compile.backend",
            "Neo stopped at PyTorch 2.0, and this network is trained by 2.13",
        ),
        ("compile: {backend: onnx, int8: static}", "compile.int8", "xgboost models have no layers"),
        (NETWORK + "compile: {int8: dynamic}", "compile.int8", "backend none has no such option"),
        (NETWORK + "compile: {backend: onnx, target: ml_c5}", "compile.target", "backend onnx has none"),
        (
            "compile: {backend: neuron}\ndeploy: {strategy: inferentia}",
            "compile.backend",
            "Neuron compiles neural networks, not xgboost's trees",
        ),
        (
            NETWORK + "compile: {backend: neuron}\ndeploy: {strategy: realtime}",
            "compile.backend",
            "runs on Inferentia, not in strategy realtime",
        ),
        (
            NETWORK + "compile: {backend: onnx}\ndeploy: {strategy: inferentia}",
            "compile.backend",
            "an Inferentia chip runs what Neuron compiled only",
        ),
        (
            NETWORK + "compile: {backend: neuron}\n"
            "deploy: {strategy: inferentia, instance: ml.inf2.xlarge, fallback: [ml.inf1.xlarge]}",
            "deploy.fallback",
            "what Neuron compiled for ml.inf2 runs on no other family",
        ),
        (
            NETWORK + "compile: {backend: neuron, neuron_cores: 4}\ndeploy: {strategy: inferentia}",
            "compile.neuron_cores",
            "only Inf1's compiler spreads a copy over cores",
        ),
        (NETWORK + "deploy: {strategy: multi-model}", "deploy.strategy", "each archive's own"),
        (
            NETWORK + "deploy: {strategy: realtime, instance: ml.g5.xlarge}",
            "deploy.instance",
            "CPU images of PyTorch only",
        ),
        (
            "train: {framework: pytorch, version: '2.6'}",
            "train.version",
            "no image of pytorch in this version",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_compiled_or_run_is_refused_with_the_reason(
    sections: str, key: str, reason: str, shortest: str
) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(shortest + sections + "\n")
    assert [mistake.key for mistake in caught.value.mistakes] == [key]
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "sections",
    [
        NETWORK,
        NETWORK + "compile: {backend: onnx, int8: dynamic, metric_loss: 0.01}",
        NETWORK + "deploy: {strategy: realtime, isolated: true}",
        NETWORK
        + "compile: {backend: neuron, batch_rows: 8, neuron_cores: 4}\n"
        + "deploy: {strategy: inferentia, instance: ml.inf1.xlarge}",
        NETWORK
        + "compile: {backend: neuron}\n"
        + "deploy: {strategy: inferentia, fallback: [ml.inf2.8xlarge]}",
    ],
)
def test_what_can_be_is_taken(sections: str, shortest: str) -> None:
    assert parse_spec(shortest + sections + "\n").train.version == "2.13"
