"""What takes minutes is left out unless it is asked for by its name: `make drift`."""

from __future__ import annotations

from pathlib import Path

import pytest

MINUTES = (Path(__file__).with_name("drift"),)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out folders of `MINUTES` that no argument is in."""
    asked = [Path(config.invocation_params.dir, arg.partition("::")[0]) for arg in config.args]
    is_asked = any(path.is_relative_to(folder) for path in asked for folder in MINUTES)
    return True if collection_path in MINUTES and not is_asked else None
