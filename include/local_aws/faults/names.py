"""Whether a rule names anything that there is: one for a misspelt service or operation would never strike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from fnmatch import filter as matching
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local_aws import protocol
from local_aws.backing.services import SERVED

#: SigV4 signing name -> boto3's name of the service, where they differ.
SERVICES = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
OWN = Path(__file__).resolve().parent.parent / "operations.yaml"


def unknown_names(rule: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the service and the operation that a rule is limited to."""
    pattern = rule.get("service", "s3" if str(rule["fault"]).startswith("s3-") else "*")
    asked = matching(services(), pattern)
    if not asked:
        yield f"service: {pattern!r} was given, allowed are {', '.join(services())}"
    elif operation := rule.get("operation"):
        known = [name for service in asked for name in operations(service)]
        if not matching(known, operation):
            near = get_close_matches(operation, known) or [f"the operations of {', '.join(asked)}"]
            yield f"operation: {operation!r} was given, allowed are such as {', '.join(near)}"


@cache
def services() -> list[str]:
    """boto3's names of the services that this AWS answers for."""
    own = yaml.safe_load(OWN.read_text(encoding="utf-8"))
    return sorted({*own, *(SERVICES.get(name, name) for name in SERVED)})


@cache
def operations(service: str) -> list[str]:
    """The operations of a service."""
    return list(protocol.service_model(service).operation_names)
