"""Faults as a feature: rules, seeded and kept, that jobs, deployments and the gateway ask."""

from __future__ import annotations

from local_aws.faults.plan import Faults
from local_aws.faults.rules import BadRule, Rule, read_rules

__all__ = ["BadRule", "Faults", "Rule", "read_rules"]
