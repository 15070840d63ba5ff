"""The quick part of the matrix that `make faults` runs in whole: see `matrix.py`."""

from __future__ import annotations

import pytest

from tests.faults.cluster import Cluster
from tests.faults.matrix import Cell, quick
from tests.faults.outcome import Outcome
from tests.faults.stage import play

pytestmark = pytest.mark.timeout(3000)


@pytest.fixture(scope="module")
def outcomes(running: Cluster) -> dict[Cell, Outcome]:
    """What became of all of them: they run at the same time, as far as faults leave each other alone."""
    return play(running, quick())


@pytest.mark.parametrize("cell", quick(), ids=str)
def test_what_a_fault_leaves_is_right(outcomes: dict[Cell, Outcome], cell: Cell) -> None:
    found = outcomes[cell]
    assert not found.wrong(cell.right), found
