"""SageMaker: the control plane's operations, one module per family of resources."""

from __future__ import annotations

from local_aws.app import App
from local_aws.execution import warm_pools
from local_aws.sagemaker import (
    compilation_jobs,
    endpoint_configs,
    endpoint_updates,
    endpoints,
    inference_components,
    model_packages,
    models,
    monitoring_definitions,
    monitoring_executions,
    monitoring_schedules,
    notebooks,
    processing_jobs,
    studio,
    tags,
    tracking_servers,
    training_jobs,
    transform_jobs,
    tuning_jobs,
)
from local_aws.sagemaker.registry import HANDLERS, Call

__all__ = [
    "HANDLERS",
    "Call",
    "endpoint_configs",
    "endpoint_updates",
    "model_packages",
    "models",
    "monitoring_definitions",
    "monitoring_schedules",
    "settle",
    "tags",
]

LIFECYCLES = (notebooks.LIFECYCLE, tracking_servers.LIFECYCLE, *studio.LIFECYCLES)
# Training jobs before the tuning jobs that watch them.
FAMILIES = (training_jobs, processing_jobs, compilation_jobs, transform_jobs, tuning_jobs)


def settle(app: App) -> None:
    """Bring what was running when the last process died to a state that is true again."""
    for family in FAMILIES:
        family.FAMILY.settle(app)
    endpoints.settle(app)
    inference_components.settle(app)
    warm_pools.settle(app)
    monitoring_executions.settle(app)
    studio.apps.settle(app)
    for lifecycle in LIFECYCLES:
        lifecycle.settle(app)
