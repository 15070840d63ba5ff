"""The shortest model.yaml there is."""

from __future__ import annotations

import pytest

SHORTEST = """\
name: churn
owner: {team: growth, cost_center: cc-12}
data:
  target: churned
  key: [customer_id]
  columns: {customer_id: string, tenure: integer, churned: integer}
evaluate: {metric: auc, floor: 0.7}
"""


@pytest.fixture
def shortest() -> str:
    """Text of a valid model.yaml in which everything has its default."""
    return SHORTEST
