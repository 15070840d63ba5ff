"""Inference components: copies of a model on an endpoint's instances, as many as are wanted, down to
none."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from local_aws.execution.instances import Instances
from local_aws.execution.model_server import (
    DEFAULT_STARTUP_TIMEOUT,
    UNHEALTHY,
    Answer,
    ModelServer,
    ServerFailed,
    server_directory,
)
from local_aws.execution.placement import Site, size_of
from local_aws.execution.rollout import Shift
from local_aws.execution.variant import Invocation, Variant

if TYPE_CHECKING:
    from local_aws.store import Record

COMPONENT = "inference-component"


class Copies:
    """The copies of one version of a component: a process each.

    `container` is a ContainerDefinition; what the component asks of its instances is checked before,
    not enforced on the processes. `variant` hosts them.
    """

    def __init__(
        self,
        site: Site,
        variant: str,
        specification: dict[str, Any],
        container: Record,
        role: str,
        count: int,
    ) -> None:
        self.site, self._variant = site, variant
        self._container, self._role, self._count = container, role, count
        startup = specification.get("StartupParameters", {})
        asked = startup.get("ContainerStartupHealthCheckTimeoutInSeconds")
        timeout = float(asked or DEFAULT_STARTUP_TIMEOUT)
        self.instances = Instances(self._new_server, timeout, least_outstanding=True)

    def _new_server(self) -> ModelServer:
        app = self.site.app
        return ModelServer(
            app,
            self.site.region,
            self._container,
            self._role,
            server_directory(app),
            f"/aws/sagemaker/InferenceComponents/{self.site.config}",
            f"{self._variant}/i-{uuid.uuid4().hex[:17]}",
            lambda: None,
        )

    @property
    def everything(self) -> list[Copies]:
        return [self]

    def start(self) -> None:
        """Raises `ServerFailed`."""
        self.check_health()
        self.scale(self._count)

    def scale(self, count: int) -> None:
        """Raises `ServerFailed`, with the copies before left."""
        self.instances.scale(count)

    def check_health(self) -> None:
        """Raise `ServerFailed` if a fault says that the copies shall not come up: one whose `config`
        matches the component's name."""
        site = self.site
        if site.app.faults.unhealthy(site.endpoint, site.config, site.region):
            raise ServerFailed(UNHEALTHY)

    def check_return(self) -> None:
        """Nothing keeps old copies from coming back."""

    def invoke(self, invocation: Invocation) -> Answer:
        """Raises `InvocationTimeout`, or `OSError` when nothing serves."""
        with self.instances.one() as server:
            return server.invoke(invocation.body, invocation.headers, invocation.timeout)

    def stop(self) -> None:
        self.instances.stop()


class Component(Shift[Copies]):
    """What answers for one inference component."""

    def __init__(self, name: str, variant: str) -> None:
        super().__init__()
        self.name, self.variant = name, variant
        self.changing = threading.Lock()

    @property
    def copies(self) -> int:
        return sum(version.instances.count for version in self.deployments())

    def stop(self) -> None:
        self.cancelled.set()
        for version in self.deployments():
            version.stop()


class ComponentVariant(Variant):
    """A variant without a model of its own, whose instances are there for components.

    Nothing runs on them but the components' copies: they are only counted. With
    ManagedInstanceScaling there are as many as the copies need, within its bounds.
    """

    hosts_components = True

    def start(self) -> None:
        """Find capacity. Raises `ServerFailed`."""
        self._placement.choose(self._closed)

    def scale(self, count: int) -> None:
        """Nothing starts with an instance."""

    def summary(self) -> dict[str, Any]:
        count: int = self.definition["InitialInstanceCount"]
        managed = self.definition.get("ManagedInstanceScaling", {})
        if managed.get("Status", "ENABLED" if managed else "DISABLED") == "ENABLED":
            count = max(self._occupied(), managed.get("MinInstanceCount", 1))
        return super().summary() | {"CurrentInstanceCount": count, "DesiredInstanceCount": count}

    def _occupied(self) -> int:
        site = self._site
        return instances_for(
            self.definition,
            [
                needs_of(record)
                for record in site.app.store.all(COMPONENT, site.region)
                if (record["EndpointName"], record["VariantName"]) == (site.endpoint, self.name)
            ],
        )


def needs_of(record: Record) -> tuple[dict[str, Any], int]:
    """A component's ComputeResourceRequirements, and for how many copies."""
    requirements: dict[str, Any] = record["_specification"]["ComputeResourceRequirements"]
    return requirements, record["RuntimeConfig"]["DesiredCopyCount"]


def instances_for(definition: dict[str, Any], needs: Iterable[tuple[dict[str, Any], int]]) -> int:
    """How many of a variant's instances hold copies: (ComputeResourceRequirements, how many) each.

    By the sums of vCPUs and memory, as if copies could be packed without a gap.
    """
    pool = definition.get("InstancePools", [definition])[0]
    vcpus, memory = size_of(pool["InstanceType"])
    asked = list(needs)
    cores: float = sum(r.get("NumberOfCpuCoresRequired", 0) * copies for r, copies in asked)
    megabytes: float = sum(r.get("MinMemoryRequiredInMb", 0) * copies for r, copies in asked)
    return max(math.ceil(cores / vcpus), math.ceil(megabytes / memory))
