"""What fits together in the compile section: what a compiler takes, and where what it makes can run."""

from __future__ import annotations

from collections.abc import Iterator

from frugal.spec import asked
from frugal.spec.deploy import Deploy
from frugal.spec.model import Compile, Data
from frugal.spec.monitor import Monitor
from frugal.spec.refused import INFERENTIA
from frugal.spec.rule import Finding, rule
from frugal.spec.train import Train

# Neo compiles for these hosts (TargetDevice enum of CreateCompilationJob; deploy targets in the Neo cloud instance
# table, docs.aws.amazon.com/sagemaker/latest/dg/neo-supported-cloud.html).
NEO_TARGETS = ("ml_c4", "ml_c5", "ml_m4", "ml_m5")
#: ml.g4dn and the like; Graviton's families end in a g.
GPUS = ("ml.p", "ml.g")


@rule("compile", "deploy", "train")
def neo_runs_on_its_target(compilation: Compile, deploy: Deploy, train: Train) -> Iterator[Finding]:
    """A Neo artefact runs on the instance family that it was compiled for."""
    if compilation.backend != "neo":
        if compilation.target is not None:
            yield Finding(
                "compile.target", f"backend {compilation.backend} has none", compilation.target
            )
        return
    if train.framework != "xgboost":
        problem = f"Neo stopped at PyTorch 2.0, and this network is trained by {train.version}"
        yield Finding("compile.backend", problem, "neo", "onnx, or neuron for Inferentia")
        return
    if compilation.target not in NEO_TARGETS:
        given = compilation.target or "nothing"
        yield Finding(
            "compile.target", "Neo compiles XGBoost for CPU families", given, ", ".join(NEO_TARGETS)
        )
        return
    if deploy.strategy == "serverless":
        yield Finding(
            "compile.backend",
            "a Neo artefact is bound to an instance family, which serverless does not have",
            "neo with strategy serverless",
            "backend: onnx, or strategy: realtime",
        )
        return
    if deploy.strategy == "auto":
        return
    family = compilation.target.replace("_", ".", 1)
    if deploy.host is not None and not deploy.host.startswith(f"{family}."):
        yield Finding(
            "deploy.instance",
            f"a model compiled for {compilation.target} runs on {family}.* only",
            deploy.instance or f"nothing, so {deploy.host}",
            f"{family}.xlarge, or compile.target for the family of your instance",
        )


@rule("compile", "train", "data")
def neo_takes_the_model(compilation: Compile, train: Train, data: Data) -> Iterator[Finding]:
    """Neo stopped at XGBoost 1.3.3: what that version cannot hold is refused before it is paid for.

    Newer models are exported to 1.3.3's form (container/neo_export.py), which has trees only.
    """
    if compilation.backend != "neo" or train.framework != "xgboost":
        return
    booster = train.hyperparameters.get("booster", "gbtree")
    if booster != "gbtree":
        key = "train.hyperparameters.booster"
        yield Finding(key, "Neo's export takes trees only", booster, "gbtree, or backend: onnx")
    if str(train.hyperparameters.get("enable_categorical", False)).lower() == "true":
        key = "train.hyperparameters.enable_categorical"
        yield Finding(key, "XGBoost 1.3.3, where Neo stopped, has no categorical splits", True)


@rule("compile", "train")
def one_byte_is_for_networks(compilation: Compile, train: Train) -> Iterator[Finding]:
    """A tree compares its inputs and has no layers to quantise; other backends have no such option."""
    if compilation.int8 is None:
        return
    if compilation.backend != "onnx":
        yield Finding(
            "compile.int8",
            f"backend {compilation.backend} has no such option",
            compilation.int8,
            "backend: onnx, or leave it out",
        )
    elif train.framework != "pytorch":
        problem = f"{train.framework} models have no layers to quantise"
        yield Finding("compile.int8", problem, compilation.int8, "leave it out")


@rule("compile", "deploy", "train")
def neuron_and_inferentia_belong_together(
    compilation: Compile, deploy: Deploy, train: Train
) -> Iterator[Finding]:
    """Inferentia runs what Neuron compiled, and nothing else does; Neuron compiles networks."""
    neuron, inferentia = compilation.backend == "neuron", deploy.strategy == "inferentia"
    if neuron and train.framework != "pytorch":
        problem = f"Neuron compiles neural networks, not {train.framework}'s trees"
        yield Finding("compile.backend", problem, "neuron", "onnx or neo, or framework: pytorch")
    if neuron and not inferentia:
        problem = f"what Neuron compiles runs on Inferentia, not in strategy {deploy.strategy}"
        yield Finding(
            "compile.backend", problem, "neuron", "strategy: inferentia, or backend: onnx"
        )
    if inferentia and not neuron:
        problem = (
            "an Inferentia chip runs what Neuron compiled only; the rest would run on its few CPUs"
        )
        allowed = "neuron (framework: pytorch), or strategy: realtime"
        yield Finding("compile.backend", problem, compilation.backend, allowed)


@rule("compile", "monitor")
def columns_are_hidden_by_handlers(compilation: Compile, monitor: Monitor) -> Iterator[Finding]:
    """Those that serve on Inferentia capture nothing, and AWS's data capture hides nothing."""
    if compilation.backend == "neuron" and monitor.pii:
        problem = "handlers on Inferentia hide no columns from capture"
        yield Finding(
            "monitor.pii", problem, ", ".join(monitor.pii), "leave it out, or backend: onnx"
        )


@rule("compile", "deploy")
def one_generation_of_inferentia(compilation: Compile, deploy: Deploy) -> Iterator[Finding]:
    """Inf1's compiler and Inf2's are two, and an artefact is one of theirs."""
    if compilation.backend != "neuron" or not str(deploy.host).startswith(INFERENTIA):
        return
    generation = ".".join(str(deploy.host).split(".")[:2])
    for other in deploy.fallback:
        if not other.startswith(f"{generation}."):
            yield Finding(
                "deploy.fallback",
                f"what Neuron compiled for {generation} runs on no other family",
                other,
                f"{generation}.*",
            )
    if compilation.neuron_cores != 1 and generation != "ml.inf1":
        problem = "only Inf1's compiler spreads a copy over cores"
        yield Finding("compile.neuron_cores", problem, compilation.neuron_cores, "1, or ml.inf1.*")


@rule("train", "deploy")
def networks_bring_their_own_code(train: Train, deploy: Deploy) -> Iterator[Finding]:
    """Models of a multi-model endpoint share one inference.py; AWS's PyTorch image takes each archive's own."""
    if train.framework == "pytorch" and deploy.strategy == "multi-model":
        problem = "models of an endpoint share one inference.py here; AWS's PyTorch image takes each archive's own"
        allowed = "serverless, realtime, or framework: xgboost"
        yield Finding("deploy.strategy", problem, "multi-model", allowed)


@rule("train", "deploy")
def no_pytorch_on_a_gpu_yet(train: Train, deploy: Deploy) -> Iterator[Finding]:
    """The images of PyTorch in include/images.yaml are those for CPUs."""
    if train.framework != "pytorch":
        return
    for key, types in (
        ("train.capacity", [rung.instance for rung in train.capacity]),
        ("deploy.instance", asked.hosts(deploy)),
    ):
        for instance in types:
            if instance.startswith(GPUS):
                yield Finding(
                    key, "Frugal has the CPU images of PyTorch only", instance, "a CPU type"
                )
