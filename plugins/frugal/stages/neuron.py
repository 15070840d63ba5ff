"""Compilation for Inferentia, in the two ways that its generations have. None of it has run on AWS.

Inf1: a Processing job traces the network with the PyTorch that Neo compiles for Inf1, Neo compiles it, and a second
Processing job adds the handlers. Inf2: a training job on a Trainium instance traces it with torch-neuronx.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from frugal.aws.images import image_uri
from frugal.aws.run import Inputs
from frugal.serving.container import NEURONX
from frugal.spec import ModelSpec
from frugal.stages.common import (
    Stage,
    data_image,
    processing_output,
    processing_request,
    seconds,
)
from frugal.stages.evaluate import lost

UPSTREAM = ("prepare", "train", "evaluate")
#: Neo for Inf1 ends at PyTorch 1.9 (developer guide, "Supported instance types and frameworks").
INF1_PYTORCH = "1.9"
#: CreateCompilationJob takes the compiler's options as a string in JSON.
INF1_OPTIONS = '"--verbose 1 --num-neuroncores {cores} -O2"'
#: Its cores are those of Inf2, and training is the only job that AWS runs on them (botocore's enums of instance types).
TRAINIUM = "ml.trn1.2xlarge"


def stages(spec: ModelSpec) -> list[Stage]:
    """The stages of the generation that `deploy.instance` is of."""
    if not str(spec.deploy.host).startswith("ml.inf1."):
        request, document = partial(neuronx_request, spec), neuronx_document
        name = f"{spec.name}-compile"
        return [Stage("compile", name, [request], UPSTREAM, "training", lost, document=document)]
    return [
        Stage("trace", f"{spec.name}-trace", [partial(trace_request, spec)], UPSTREAM, skip=lost),
        Stage(
            "compile",
            f"{spec.name}-compile",
            [partial(neo_request, spec)],
            (*UPSTREAM, "trace"),
            "compilation",
            lost,
        ),
        Stage(
            "package",
            f"{spec.name}-package",
            [partial(package_request, spec)],
            (*UPSTREAM, "compile"),
            skip=lost,
        ),
    ]


def trace_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob in AWS's image of PyTorch 1.9: the network as TorchScript of that version."""
    run = inputs.run
    request = processing_request(
        inputs,
        stage="trace",
        module="trace_network",
        image=image_uri("pytorch", INF1_PYTORCH, run.region),
        role="train",
        instance=spec.compile.instance,
        max_run=spec.compile.max_run,
        sources={"model": inputs["train"]["artifact"], "evaluation": run.own("evaluation")},
        outputs=[processing_output("traced", run.own("traced"))],
    )
    request["AppSpecification"]["ContainerArguments"] = ["neo"]
    return request


def neo_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateCompilationJob for Inf1."""
    run, shape = inputs.run, [spec.compile.batch_rows, len(spec.features)]
    return {
        "RoleArn": run.role("train"),
        "InputConfig": {
            "S3Uri": run.own("traced", "model.tar.gz"),
            "Framework": "PYTORCH",
            "FrameworkVersion": INF1_PYTORCH,
            "DataInputConfig": f'{{"input0":{shape}}}'.replace(" ", ""),
        },
        "OutputConfig": {
            "S3OutputLocation": run.own("compiled"),
            "TargetDevice": "ml_inf1",
            "CompilerOptions": INF1_OPTIONS.format(cores=spec.compile.neuron_cores),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds(spec.compile.max_run)},
        "Tags": run.stage_tags("compile"),
    }


def package_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob: Neo's artefact with the handlers that serve it."""
    run = inputs.run
    return processing_request(
        inputs,
        stage="package",
        module="package_neuron",
        image=data_image(spec, inputs),
        role="train",
        instance=spec.compile.instance,
        max_run=spec.compile.max_run,
        sources={"compiled": inputs["compile"]["artifact"], "model": inputs["train"]["artifact"]},
        outputs=[processing_output("package", run.own("compiled", "package"))],
    )


def neuronx_request(spec: ModelSpec, inputs: Inputs) -> dict[str, Any]:
    """CreateTrainingJob in AWS's image of Neuron, whose entry point is ours; it leaves compile.json as a checkpoint."""
    run = inputs.run
    channels = {
        "code": run.code,
        "model": inputs["train"]["artifact"],
        "evaluation": run.own("evaluation"),
    }
    return {
        "RoleArn": run.role("train"),
        "AlgorithmSpecification": {
            "TrainingImage": image_uri(*NEURONX, run.region),
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-m", "container.trace_network"],
            "ContainerArguments": ["neuronx"],
        },
        "Environment": {"PYTHONPATH": "/opt/ml/input/data/code"},
        "InputDataConfig": [_channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": run.own("compiled")},
        "CheckpointConfig": {
            "S3Uri": run.own("compiled", "report"),
            "LocalPath": "/opt/ml/checkpoints",
        },
        "ResourceConfig": {"InstanceType": TRAINIUM, "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds(spec.compile.max_run)},
        "EnableManagedSpotTraining": False,
        "ProfilerConfig": {"DisableProfiler": True},
        "Tags": run.stage_tags("compile"),
    }


def neuronx_document(inputs: Inputs) -> str:
    """URI of the compile.json of Inf2."""
    return inputs.run.own("compiled", "report", "compile.json")


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "CompressionType": "None",
        "InputMode": "File",
    }
