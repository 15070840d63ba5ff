"""A multi-model variant: containers that load what TargetModel names from the prefix of the model."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from local_aws.backing.objects import StoredObject
from local_aws.execution.model_cache import LoadFailed, ModelCache
from local_aws.execution.model_server import Answer, ModelServer
from local_aws.execution.placement import Placement, Site
from local_aws.execution.transfer import split_uri
from local_aws.execution.utilization import NAMESPACE
from local_aws.execution.variant import Invocation, Variant


class NoSuchModel(Exception):
    """There is no object for a TargetModel; the message is AWS's."""


class MultiModelVariant(Variant):
    """Requests go to an instance that has their model loaded, if there is one."""

    multi_model = True

    def __init__(self, site: Site, definition: dict[str, Any], placement: Placement) -> None:
        super().__init__(site, definition, placement)
        container = placement.pools[0].model["PrimaryContainer"]
        self._bucket, self._prefix = split_uri(container["ModelDataUrl"])
        setting = container.get("MultiModelConfig", {}).get("ModelCacheSetting", "Enabled")
        self._keep = setting == "Enabled"
        self._caches: dict[Path, ModelCache] = {}

    def _new_server(self) -> ModelServer:
        server = super()._new_server()
        asked = server.container.get("Environment", {})
        limit = {"LOCAL_AWS_LOADED_MODELS": str(self._site.app.config.simulation.loaded_models)}
        server.container = server.container | {"Environment": asked | limit}
        self._caches[server.base] = ModelCache(server, self._keep, self._time)
        return server

    def invoke(self, invocation: Invocation) -> Answer:
        """Raises `NoSuchModel`, `NotReady` and as `Variant.invoke`."""
        target = invocation.target_model

        def has_it(server: ModelServer) -> bool:
            return target in self._caches[server.base]

        started = time.monotonic()
        with self.instances.one(prefer=has_it) as server:
            try:
                cache = self._caches[server.base]
                with cache.model(target, lambda: self._find(target)) as (name, hit):
                    waited = (time.monotonic() - started) * 1e6
                    self._measure({"ModelCacheHit": float(hit)})
                    self._time("ModelLoadingWaitTime", waited)
                    return server.request(
                        "POST",
                        f"/models/{name}/invoke",
                        invocation.body,
                        invocation.headers | {"X-Amzn-SageMaker-Target-Model": target},
                        invocation.timeout,
                    )
            except LoadFailed as error:
                return replace(error.answer, latency=time.monotonic() - started)

    def _find(self, target: str) -> StoredObject:
        key = f"{self._prefix.rstrip('/')}/{target}".lstrip("/")
        objects = self._site.app.objects
        stored = objects.head(self._bucket, key) if objects.exists(self._bucket) else None
        if stored is None:
            raise NoSuchModel(
                f"Failed to download model data(bucket: {self._bucket}, key: {key}). Please ensure "
                "that there is an object located at the URL and that the role passed to CreateModel "
                "has permissions to download the model."
            )
        return stored

    def sample(self) -> None:
        """Put how many models are loaded, per instance."""
        for server in self.instances.all():
            loaded = float(len(self._caches[server.base]))
            self._measure({"LoadedModelCount": loaded}, namespace=NAMESPACE)
        self._sample_utilization()

    def _time(self, metric: str, microseconds: float) -> None:
        self._site.app.meter.variant(self._site, self.name, {metric: microseconds}, "Microseconds")

    def _measure(self, values: dict[str, float], **more: str) -> None:
        self._site.app.meter.variant(self._site, self.name, values, **more)
