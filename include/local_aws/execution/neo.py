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
            f"InputConfiguration: this machine has Neo's compiler for {known} alone, not for {framework} in "
            f"{region}: on AWS the request is a valid one, as far as is known"
        )
    account = entry["registries"][region]
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{entry['repository']}:{entry['tag']}"


def unsupported(source: dict[str, Any], output: dict[str, Any]) -> str | None:
    """Why Neo compiles no such model for this target, as it words its errors, or None.

    Of Inferentia's targets the versions are known for Inf1 alone; for edge devices none are.
    """
    framework, given = source["Framework"], source.get("FrameworkVersion")
    device = output.get("TargetDevice", "")
    known = _TABLE["versions"].get(framework, {})
    versions = known.get(device if device == "ml_inf1" else "cloud")
    if versions is None or not device.startswith("ml_") or device in _TABLE["regional_targets"]:
        return None
    if not versions:
        return f"InputConfiguration: {framework} models are not compiled for {device}"
    if given is not None and not any(f"{given}.".startswith(f"{known}.") for known in versions):
        return (
            f"InputConfiguration: Framework version {given} is not supported for {framework} on {device};"
            f" supported: {', '.join(versions)}"
        )
    if framework in _TABLE["shaped"] and not source.get("DataInputConfig"):
        return f"InputConfiguration: DataInputConfig is required for {framework}"
    return None


def unavailable_target(device: str, region: str) -> str | None:
    """Why a TargetDevice cannot be compiled for in a region, or None."""
    only = _TABLE["regional_targets"].get(device)
    if only and region != only:
        return f"TargetDevice {device} is available only in {only}"
    return None
