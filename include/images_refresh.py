"""Write images.yaml: the URIs of AWS's container images, as the SageMaker SDK's own registry resolves them.

Runs in the environment `sdk` (`make images`). Framework versions are those below and those that a
models/*/model.yaml trains with; regions are all that the registry lists for a version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from sagemaker import core
from sagemaker.core import image_uris

HERE = Path(__file__).resolve().parent
REGISTRY = Path(core.__path__[0]) / "image_uri_config"

#: Offered whether a model names them or not: the current XGBoost images, and Neo's for what it compiled.
OFFERED = {("xgboost", "3.0-5"), ("xgboost", "3.2-0"), ("xgboost-neo", "latest")}

HEADER = """\
# Container images by framework, version and region; written by `make images`, not by hand.
"""


def named() -> Iterator[tuple[str, str]]:
    """Framework and version of every model that asks for one of AWS's images."""
    for path in sorted(HERE.glob("models/*/model.yaml")):
        train = yaml.safe_load(path.read_text())["train"]
        if "version" in train:
            yield train.get("framework", "xgboost"), str(train["version"])


def regions(framework: str, release: str) -> list[str]:
    """Regions in which the SDK's registry has the image. Raises LookupError for an unknown version."""
    config: dict[str, Any] = json.loads((REGISTRY / f"{framework}.json").read_text())
    versions = config.get("training", config)["versions"]
    if release not in versions:
        raise LookupError(f"{framework} {release}: the SDK knows {', '.join(versions)}")
    return sorted(versions[release]["registries"])


def main() -> None:
    """Write the file beside this one."""
    images: dict[str, dict[str, dict[str, str]]] = {}
    for framework, release in sorted(OFFERED | set(named())):
        images.setdefault(framework, {})[release] = {
            region: image_uris.retrieve(
                framework,
                region,
                version=release,
                instance_type="ml.m5.large",
                image_scope="training",
            )
            for region in regions(framework, release)
        }
    table = {"source": f"sagemaker-core {version('sagemaker-core')}", "images": images}
    target = HERE / "images.yaml"
    target.write_text(HEADER + yaml.safe_dump(table, sort_keys=False, width=200))
    print(f"{target.name}: {sum(len(known) for known in images.values())} images")


if __name__ == "__main__":
    main()
