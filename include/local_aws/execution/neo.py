"""Neo's inference images, by framework and region, from the SageMaker SDK's own registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from local_aws.execution.images import ImageUnavailable

_TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("neo.yaml").read_text())


def inference_image(framework: str, region: str) -> str:
    """The image that serves what Neo compiled. Raises `ImageUnavailable`."""
    entry = _TABLE["frameworks"].get(framework)
    if entry is None or region not in entry["registries"]:
        known = ", ".join(sorted(_TABLE["frameworks"]))
        raise ImageUnavailable(
            f"InputConfiguration: the local AWS compiles {known}, not {framework} in {region}"
        )
    account = entry["registries"][region]
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{entry['repository']}:{entry['tag']}"


def unavailable_target(device: str, region: str) -> str | None:
    """Why a TargetDevice cannot be compiled for in a region, or None."""
    only = _TABLE["regional_targets"].get(device)
    if only and region != only:
        return f"TargetDevice {device} is available only in {only}"
    return None
