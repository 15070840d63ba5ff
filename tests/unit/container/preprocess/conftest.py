"""Places to preprocess in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.container.preprocess.sales import Lab, example_spec


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, example_spec())


@pytest.fixture
def labs(tmp_path: Path) -> Callable[[], Lab]:
    """Makes any number of separate labs."""
    made: list[Lab] = []

    def make() -> Lab:
        made.append(Lab(tmp_path / str(len(made)), example_spec()))
        return made[-1]

    return make
