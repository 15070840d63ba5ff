"""A production variant: its instances, and what an invocation of it is."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from local_aws.execution.instances import Instances
from local_aws.execution.model_server import (
    DEFAULT_STARTUP_TIMEOUT,
    INVOCATION_TIMEOUT,
    Answer,
    ModelServer,
    server_directory,
)
from local_aws.execution.placement import Placement, Site
from local_aws.execution.utilization import MINUTE, NAMESPACE, Utilization


class Throttled(Exception):
    """A serverless variant already runs MaxConcurrency invocations."""


@dataclass(frozen=True)
class Invocation:
    """What a container is asked; `timeout` in seconds, `target_model` for multi-model variants."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    timeout: float = INVOCATION_TIMEOUT
    target_model: str = ""


class Variant:
    """A variant of a deployment on instances: a server process each."""

    max_payload = 25 * 1024 * 1024
    multi_model = False
    hosts_components = False

    def __init__(self, site: Site, definition: dict[str, Any], placement: Placement) -> None:
        self.name: str = definition["VariantName"]
        self.weight: float = definition.get("InitialVariantWeight", 1.0)
        self.definition = definition
        self._site, self._placement = site, placement
        self._closed = threading.Event()
        asked = definition.get("ContainerStartupHealthCheckTimeoutInSeconds")
        self._timeout = float(asked or DEFAULT_STARTUP_TIMEOUT)
        strategy = definition.get("RoutingConfig", {}).get("RoutingStrategy")
        self.instances = Instances(
            self._new_server,
            self._timeout,
            least_outstanding=strategy == "LEAST_OUTSTANDING_REQUESTS",
        )
        self._utilization = Utilization(site.app.config.simulation.wait(MINUTE))

    def _new_server(self) -> ModelServer:
        pool = self._placement.choose(self._closed)
        app = self._site.app
        return ModelServer(
            app,
            self._site.region,
            pool.model["PrimaryContainer"],
            pool.model.get("ExecutionRoleArn", ""),
            server_directory(app),
            f"/aws/sagemaker/Endpoints/{self._site.endpoint}",
            f"{self.name}/i-{uuid.uuid4().hex[:17]}",
            lambda: None,
            pool.instance_type,
        )

    def start(self) -> None:
        """Make the variant able to serve. Raises `ServerFailed`."""
        self.scale(self.definition["InitialInstanceCount"])

    def scale(self, count: int) -> None:
        """Bring the instances to a number. Raises `ServerFailed`, with those before left."""
        self.instances.scale(count)

    def invoke(self, invocation: Invocation) -> Answer:
        """Raises `Throttled`, `InvocationTimeout`, or `OSError` when nothing serves."""
        with self.instances.one() as server:
            return server.invoke(invocation.body, invocation.headers, invocation.timeout)

    def sample(self) -> None:
        """Put the metrics that are sampled."""
        running = float(self.instances.running)
        if self.instances.count:
            self._site.app.meter.variant(
                self._site, self.name, {"ConcurrentRequestsPerModel": running}, "Count"
            )
        self._sample_utilization()

    def _sample_utilization(self) -> None:
        dimensions = {"EndpointName": self._site.endpoint, "VariantName": self.name}
        used = self._utilization.of(self.instances.all())
        self._site.app.meter.put(self._site.region, dimensions, used, "Percent", NAMESPACE)

    def summary(self) -> dict[str, Any]:
        """What Describe shows of it now."""
        shown: dict[str, Any] = {
            "VariantName": self.name,
            "CurrentInstanceCount": self.instances.count,
            "CurrentWeight": self.weight,
        }
        if "InstancePools" in self.definition:
            types = self.instances.types()
            shown["InstancePools"] = [
                {"InstanceType": t, "CurrentInstanceCount": types.get(t, 0)}
                for t in (pool.instance_type for pool in self._placement.pools)
            ]
        return shown

    def stop(self) -> None:
        self._closed.set()
        self.instances.stop()
