"""Every kind of thing that cleaning up knows, by the name that it has in cleanup.yaml."""

from __future__ import annotations

from frugal.cleanup.kind import CleanupKind
from frugal.cleanup.kinds import (
    autoscaling,
    components,
    domains,
    endpoint_configs,
    endpoints,
    jobs,
    logs,
    notebooks,
    packages,
    s3_captured,
    s3_datasets,
    s3_leftovers,
    s3_runs,
    s3_serving,
    studio,
    transforms,
)

KINDS: dict[str, CleanupKind] = {
    kind.name: kind
    for kind in (
        *jobs.KINDS,
        *components.KINDS,
        *transforms.KINDS,
        *endpoints.KINDS,
        *endpoint_configs.KINDS,
        *packages.KINDS,
        *autoscaling.KINDS,
        *logs.KINDS,
        *notebooks.KINDS,
        *studio.KINDS,
        *domains.KINDS,
        *s3_runs.KINDS,
        *s3_datasets.KINDS,
        *s3_captured.KINDS,
        *s3_serving.KINDS,
        *s3_leftovers.KINDS,
    )
}
