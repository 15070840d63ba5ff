"""SageMaker: the control plane's operations, one module per family of resources."""

from __future__ import annotations

from local_aws.app import App
from local_aws.sagemaker import compilation_jobs, processing_jobs, training_jobs
from local_aws.sagemaker.registry import HANDLERS, Call

__all__ = ["HANDLERS", "Call", "settle"]


def settle(app: App) -> None:
    """Bring what was running when the last process died to a state that is true again."""
    for family in (training_jobs, processing_jobs, compilation_jobs):
        family.FAMILY.settle(app)
