"""Places to preprocess in."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.container.preprocess.sales import Lab, example_spec


@pytest.fixture(autouse=True, scope="session")
def _short_heap() -> Iterator[None]:
    """pyarrow's CSV reader walks the heap at every call on Python 3.10 (see container.preprocess)."""
    gc.freeze()
    yield
    gc.unfreeze()


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
