"""The servers of one endpoint on one endpoint configuration: its variants, shadow and capture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_aws.errors import validation
from local_aws.execution.capture import Capture
from local_aws.execution.components import ComponentVariant
from local_aws.execution.model_server import UNHEALTHY, ServerFailed
from local_aws.execution.multi_model import MultiModelVariant
from local_aws.execution.placement import Placement, Pool, Site
from local_aws.execution.serverless import ServerlessVariant
from local_aws.execution.shadow import Shadow
from local_aws.execution.traffic import Split
from local_aws.execution.variant import Variant
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

ENDPOINT, CONFIG, MODEL = "endpoint", "endpoint-config", "model"
CAPTURE_PERIOD = 20.0
# The longest that an asynchronous invocation may take, in seconds.
ASYNC_TIMEOUT = 3600.0


class Deployment:
    """An endpoint configuration in operation, or on its way there."""

    def __init__(self, app: App, region: str, endpoint: str, config: Record) -> None:
        self.config = config
        self.site = site = Site(app, region, endpoint, config["EndpointConfigName"])
        self.variants: dict[str, Variant] = {}
        for definition in config["ProductionVariants"]:
            variant = make_variant(site, definition)
            if "AsyncInferenceConfig" in config:
                variant.instances.drain = ASYNC_TIMEOUT
            self.variants[variant.name] = variant
        self.shadows = [
            Shadow(site, make_variant(site, definition), config["ProductionVariants"][0])
            for definition in config.get("ShadowProductionVariants", [])
        ]
        self.capture: Capture | None = None
        capture = config.get("DataCaptureConfig")
        if capture and capture.get("EnableCapture", True):
            period = app.config.simulation.wait(CAPTURE_PERIOD)
            self.capture = Capture(app.objects, endpoint, capture, period)
        self._split = Split()

    @property
    def everything(self) -> list[Variant]:
        """Production and shadow variants."""
        return [*self.variants.values(), *(shadow.variant for shadow in self.shadows)]

    def start(self) -> None:
        """Start every variant. Raises `ServerFailed`, with none left running."""
        self.check_health()
        try:
            for variant in self.everything:
                variant.start()
        except ServerFailed:
            self.stop()
            raise

    def scale(self, count: int) -> None:
        """Bring the one variant of a rolling update to a number of instances. Raises `ServerFailed`."""
        (variant,) = self.everything
        variant.scale(count)

    def check_health(self) -> None:
        """Raise `ServerFailed` if a fault says that its containers shall not come up."""
        site = self.site
        if site.app.faults.unhealthy(site.endpoint, site.config, site.region):
            raise ServerFailed(UNHEALTHY)

    def check_return(self) -> None:
        """Raise `ServerFailed` if a fault says, by its configuration's name, that it shall not come
        back."""
        site = self.site
        facts = {"endpoint": site.endpoint, "config": site.config, "region": site.region}
        rules = site.app.faults.live("unhealthy-deployment", **facts)
        if any("config" in rule.given and site.app.faults.fire(rule) for rule in rules):
            raise ServerFailed(UNHEALTHY)

    def choose(self, name: str | None) -> Variant:
        """The variant asked for, or one by weight. Raises `KeyError`."""
        if name is not None:
            return self.variants[name]
        return self.variants[self._split.turn({v.name: v.weight for v in self.variants.values()})]

    def stop(self) -> None:
        for variant in self.everything:
            variant.stop()
        if self.capture:
            self.capture.flush()


def make_variant(site: Site, definition: dict[str, Any]) -> Variant:
    """The form that a ProductionVariant asks for."""
    placement = Placement(site, definition, pools_of(site.app, site.region, definition))
    if not definition.get("ModelName"):
        return ComponentVariant(site, definition, placement)
    if "ServerlessConfig" in definition:
        return ServerlessVariant(site, definition, placement)
    if placement.pools[0].model["PrimaryContainer"]["Mode"] == "MultiModel":
        return MultiModelVariant(site, definition, placement)
    return Variant(site, definition, placement)


def pools_of(app: App, region: str, definition: dict[str, Any]) -> list[Pool]:
    """Instance types with the model of each, best first. Raises `ValidationException`."""
    pools = sorted(definition.get("InstancePools", []), key=lambda pool: pool["Priority"])
    if not pools:
        pools = [{"InstanceType": definition.get("InstanceType", "")}]
    found = []
    for pool in pools:
        name = pool.get("ModelNameOverride") or definition.get("ModelName")
        model = find_model(app, region, name) if name else {}
        found.append(Pool(pool["InstanceType"], model))
    return found


def find_model(app: App, region: str, name: str) -> Record:
    """Raises `ValidationException`."""
    model = app.store.get(MODEL, region, name)
    if model is None:
        raise validation(f'Could not find model "{name}".')
    return model
