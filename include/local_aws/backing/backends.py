"""moto's backends: where each of its services keeps what it has of a region."""

from __future__ import annotations

from typing import Any

import moto.backends

from local_aws import ACCOUNT


def backend(service: str, region: str) -> Any:
    """The backend of a service in a region, which is made when it is first asked for."""
    backends: Any = moto.backends.get_backend(service)  # type: ignore[call-overload]
    return backends[ACCOUNT][region]
