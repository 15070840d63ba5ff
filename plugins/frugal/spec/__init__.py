"""What a user writes: `model.yaml`, its loader, and what AWS refuses."""

from frugal.spec.errors import Mistake, SpecError
from frugal.spec.loader import find_specs, load_spec, load_warnings, parse_spec
from frugal.spec.model import ModelSpec

__all__ = [
    "Mistake",
    "ModelSpec",
    "SpecError",
    "find_specs",
    "load_spec",
    "load_warnings",
    "parse_spec",
]
