"""What the requests of `work` refer to: in S3, and in SageMaker."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.faults.work import (
    BUCKET,
    CHECKPOINT_STEPS,
    INSTANCE,
    ROLE,
    TAGS,
    endpoint,
    inference_component,
    model,
)


def prepare(s3: Any, sagemaker: Any, kind: str, name: str, folder: Path) -> None:
    """Make what the request of `kind` refers to."""
    files = {"train.py": script(folder), "folder": str(folder)}
    s3.put_object(Bucket=BUCKET, Key=f"{name}/source.tar.gz", Body=archive(files))
    if kind in ("transform", "tuning"):
        s3.put_object(Bucket=BUCKET, Key=f"{name}/rows.csv", Body=b"1,2\n")
    if kind in ("transform", "inference-component"):
        sagemaker.create_model(**model(name, "invocations" if kind == "transform" else "start"))
    if kind == "inference-component":
        host(sagemaker, f"{name}-host")


def host(sagemaker: Any, name: str) -> None:
    """An endpoint for inference components, in service."""
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    variant = {
        "VariantName": "main",
        "InstanceType": INSTANCE,
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": scaling,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ExecutionRoleArn=ROLE, ProductionVariants=[variant]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=TAGS)
    waiter = sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 240})


def old_endpoint(sagemaker: Any, name: str) -> None:
    """An endpoint that serves, for the task to update."""
    request = endpoint({"name": name})
    old = {"ModelName": f"{name}-old"}
    config = request["EndpointConfig"] | {"EndpointConfigName": f"{name}-old"}
    sagemaker.create_model(**request["Models"][0] | old)
    config["ProductionVariants"] = [variant | old for variant in config["ProductionVariants"]]
    sagemaker.create_endpoint_config(**config)
    sagemaker.create_endpoint(**request["Endpoint"] | {"EndpointConfigName": f"{name}-old"})


def old_component(sagemaker: Any, name: str) -> None:
    """An inference component that serves, for the task to update."""
    request = inference_component({"name": name})
    old = {"ModelName": f"{name}-old"}
    sagemaker.create_model(**model(name) | old)
    sagemaker.create_inference_component(
        **request | {"Specification": request["Specification"] | old},
        InferenceComponentName=name,
    )


#: kind -> what makes the thing that its task is to update
BEFORE_UPDATE: dict[str, Callable[[Any, str], None]] = {
    "endpoint": old_endpoint,
    "inference-component": old_component,
}


def script(folder: Path) -> str:
    """A training script that is held: it counts steps, logs each, and goes on from its last checkpoint."""
    return (
        "import os, pathlib, sys, time\n"
        "base = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])\n"
        "checkpoint = base / 'checkpoints' / 'step'\n"
        "step = int(checkpoint.read_text()) if checkpoint.exists() else 0\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "release, log = folder / 'release', (folder / 'steps').open('a', buffering=1)\n"
        "(folder / 'started').touch()\n"
        "while not release.exists():\n"
        "    time.sleep(0.05)\n"
        "    step += 1\n"
        "    print(step, file=log)\n"
        f"    if checkpoint.parent.exists() and step % {CHECKPOINT_STEPS} == 0:\n"
        "        partial = checkpoint.with_suffix('.tmp')\n"
        "        partial.write_text(str(step))\n"
        "        partial.rename(checkpoint)\n"
        "if release.read_text() == 'fail': sys.exit('told to fail')\n"
        "print('loss=0.5')\n"
        "(pathlib.Path(os.environ['SM_MODEL_DIR']) / 'model').touch()\n"
    )


def archive(files: Mapping[str, str]) -> bytes:
    """A tar.gz of text files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
