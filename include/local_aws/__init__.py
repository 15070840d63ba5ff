"""AWS on this machine: SageMaker that really executes its jobs, in front of an embedded moto.

One process, one loopback port. `python -m local_aws serve --help` says how to start it, and
`operations.yaml` lists what is executed, stored or rejected.
"""

from __future__ import annotations

ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"
DEFAULT_PORT = 4566
