"""Write images.yaml: the URIs of AWS's container images, as the SageMaker SDK's own registry resolves them.

Runs in the environment `sdk` (`make images`). Framework versions are those below and those that a
models/*/model.yaml trains with; regions are all that the registry lists for a version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from sagemaker import core
from sagemaker.core import image_uris

HERE = Path(__file__).resolve().parent
REGISTRY = Path(core.__path__[0]) / "image_uri_config"


class Image(NamedTuple):
    """An image under the name that images.yaml has for it, and where the SDK's registry has it."""

    framework: str
    version: str
    registered: str
    release: str
    scope: str = "training"


#: Offered whether a model names them or not. PyTorch 2.13 trains; 2.6.0 is the last that AWS has an image to serve
#: with; 1.9 is the last that Neo compiles for Inf1.
OFFERED = {
    Image("xgboost", "3.0-5", "xgboost", "3.0-5"),
    Image("xgboost", "3.2-0", "xgboost", "3.2-0"),
    Image("xgboost-neo", "latest", "xgboost-neo", "latest"),
    Image("pytorch", "2.13", "pytorch-amzn2023", "2.13"),
    Image("pytorch", "1.9", "pytorch", "1.9.1"),
    Image("pytorch-inference", "2.6", "pytorch", "2.6.0", "inference"),
    Image("model-monitor", "latest", "model-monitor", "", "monitoring"),
}

#: The registry has Hugging Face's Neuron images only: AWS's own are taken to be in the same regions. The tag is from
#: the README of aws-neuron/deep-learning-containers. From Neuron 2.30 on the runtime wants a newer driver than
#: SageMaker's only named Neuron AMI has (2.19), so that this one is older. Not verified on AWS.
NEURONX = ("2.8", "pytorch-inference-neuronx:2.8.0-neuronx-py311-sdk2.26.1-ubuntu22.04")

HEADER = """\
# Container images by framework, version and region; written by `make images`, not by hand.
"""


def named() -> Iterator[Image]:
    """Framework and version of every model that asks for one of AWS's images of XGBoost."""
    for path in sorted(HERE.glob("models/*/model.yaml")):
        train = yaml.safe_load(path.read_text())["train"]
        if "version" in train and train.get("framework", "xgboost") == "xgboost":
            yield Image("xgboost", str(train["version"]), "xgboost", str(train["version"]))


def regions(image: Image) -> list[str]:
    """Regions in which the SDK's registry has the image. Raises LookupError for an unknown version."""
    config: dict[str, Any] = json.loads((REGISTRY / f"{image.registered}.json").read_text())
    versions = config.get(image.scope, config)["versions"]
    if image.release not in versions:
        raise LookupError(
            f"{image.registered} {image.release}: the SDK knows {', '.join(versions)}"
        )
    return sorted(versions[image.release]["registries"])


def neuronx() -> dict[str, str]:
    """The Neuron image of PyTorch by region."""
    config = json.loads((REGISTRY / "huggingface-neuronx.json").read_text())["inference"]
    newest = list(config["versions"].values())[-1]
    (registries,) = (
        entry["registries"]
        for entry in newest.values()
        if isinstance(entry.get("registries"), dict)
    )
    found = {}
    for region in sorted(registries):
        host = image_uris.retrieve(
            "pytorch", region, version="2.6.0", instance_type="ml.m5.large", image_scope="inference"
        ).partition("/")[0]
        found[region] = f"{host}/{NEURONX[1]}"
    return found


def main() -> None:
    """Write the file beside this one."""
    images: dict[str, dict[str, dict[str, str]]] = {}
    for image in sorted(OFFERED | set(named())):
        images.setdefault(image.framework, {})[image.version] = {
            region: image_uris.retrieve(
                image.registered,
                region,
                version=image.release,
                instance_type="ml.m5.large",
                image_scope=image.scope,
            )
            for region in regions(image)
        }
    images["pytorch-inference-neuronx"] = {NEURONX[0]: neuronx()}
    table = {"source": f"sagemaker-core {version('sagemaker-core')}", "images": images}
    target = HERE / "images.yaml"
    target.write_text(HEADER + yaml.safe_dump(table, sort_keys=False, width=200))
    print(f"{target.name}: {sum(len(known) for known in images.values())} images")


if __name__ == "__main__":
    main()
