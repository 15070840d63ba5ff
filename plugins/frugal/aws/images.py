"""Container image URIs, from the checked-in file that `make images` refreshes."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from frugal.aws.settings import Settings


@cache
def _table() -> dict[str, Any]:
    text = (Settings.load().include / "images.yaml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


def image_uri(framework: str, version: str, region: str) -> str:
    """URI of AWS's own image of a framework version in a region.

    Raises LookupError that lists what is known when the file does not hold it.
    """
    known: Any = _table()["images"]
    for what, key in (("framework", framework), ("version", version), ("region", region)):
        if key not in known:
            raise LookupError(
                f"include/images.yaml holds no {what} {key!r} for {framework} {version} in {region}; "
                f"known: {', '.join(known)}. `make images` refreshes the file"
            )
        known = known[key]
    return str(known)
