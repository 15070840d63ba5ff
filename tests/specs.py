"""The shortest model.yaml there is, which tests add sections to."""

from __future__ import annotations


def shortest(name: str = "churn") -> str:
    """Text of a valid model.yaml in which everything has its default."""
    return f"""\
name: {name}
owner: {{team: growth, cost_center: cc-12}}
data:
  target: churned
  key: [customer_id]
  columns: {{customer_id: string, tenure: integer, churned: integer}}
evaluate: {{metric: auc, floor: 0.7}}
"""
