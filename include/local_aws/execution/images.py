"""Which locked environment stands in for which container image."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

TOOLKIT = Path(__file__).parent.parent / "toolkit"

_URI = re.compile(
    r"(?P<registry>[^/]+)/(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@sha256:[0-9a-f]+)?$"
)


class ImageUnavailable(Exception):
    """No environment stands in for the image, or it was not built."""


@dataclass(frozen=True)
class Image:
    """An environment and the toolkit files that play the image's own programs; `multi_models` says that
    it can be a multi-model container, `environment` what the image itself sets."""

    uri: str
    bin: Path
    programs: dict[str, Path]
    pythonpath: Path | None
    multi_models: bool
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return self.bin / "python"

    def program(self, role: str) -> Path:
        """The file for `train`, `serve`, `compile` or `process`. Raises `ImageUnavailable`."""
        if role not in self.programs:
            raise ImageUnavailable(f"The image {self.uri} has no program to {role}")
        return self.programs[role]


class Images:
    """`images.yaml`, matched on an image URI's repository and tag, whatever account and region."""

    def __init__(self, table: Path, environments: Path) -> None:
        self._entries: list[dict[str, Any]] = yaml.safe_load(table.read_text())
        self._environments = environments

    def find(self, uri: str) -> Image:
        """Raises `ImageUnavailable`, naming the images there are."""
        match = _URI.match(uri)
        repository, tag = (match["repository"], match["tag"] or "latest") if match else ("", "")
        for entry in self._entries:
            if repository == entry["repository"] and tag in map(str, entry["tags"]):
                return self._image(uri, entry)
        if "-neuron" in repository:
            raise ImageUnavailable(
                f"This machine has no AWS Inferentia: {uri} runs on AWS alone. On an Inferentia "
                "instance type, this machine serves images for the CPU"
            )
        known = ", ".join(f"{e['repository']}:{t}" for e in self._entries for t in e["tags"])
        raise ImageUnavailable(f"No image {uri} on this machine, which has {known}")

    def _image(self, uri: str, entry: dict[str, Any]) -> Image:
        bin_directory = self._environments / entry["env"] / "bin"
        if not (bin_directory / "python").exists():
            raise ImageUnavailable(
                f"The environment of {uri} is missing: {bin_directory.parent}. Build it with: "
                f"python3 requirements/environments.py build images/{entry['env']}"
            )
        roles = ("train", "serve", "compile", "process")
        programs = {role: TOOLKIT / entry[role] for role in roles if role in entry}
        path = TOOLKIT / entry["pythonpath"] if "pythonpath" in entry else None
        own = entry.get("environment", {})
        return Image(uri, bin_directory, programs, path, entry.get("multi_models", False), own)
