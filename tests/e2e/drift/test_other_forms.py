"""The whole loop where a model has no endpoint of its own on instances: serverless, one of many, in batch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.drift.lives import FORMS, LONGEST_SECONDS, Lives

pytestmark = pytest.mark.timeout(LONGEST_SECONDS + 60)


@pytest.fixture(scope="module")
def told(lives: Lives) -> dict[str, dict[str, Any]]:
    """What became of each form's model."""
    return lives.read()


@pytest.mark.parametrize("form", FORMS)
def test_what_drifts_is_learned_and_is_the_new_baseline(
    told: dict[str, dict[str, Any]], form: str
) -> None:
    life = told[form]
    assert life["verdict"] == "drift"
    assert life["decision"]["action"] == "retrain"
    assert life["outcome"]["started"]
    assert life["promoted"]
    assert life["evaluation"]["decided_by"] == "recent"
    rows = "captured rows with ground truth" if form != "batch" else "held-out rows since 2026-"
    assert rows in life["evaluation"]["recent"]["of"]
    assert life["evaluation"]["recent"]["champion"] > life["evaluation"]["recent"]["value"]
    assert life["baseline_renewed"]
    assert life["again"] == "ok", "what drifted is what the new champion learned"
    assert life["restored"]
