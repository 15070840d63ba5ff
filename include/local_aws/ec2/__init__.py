"""EC2, as far as it tells of spot capacity: prices and placement scores, over EC2's query protocol."""

from __future__ import annotations

from local_aws.ec2.query import answer

__all__ = ["answer"]
