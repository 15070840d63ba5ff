"""What becomes of inference components in the background, and what their records say of it."""

from __future__ import annotations

import threading
from contextlib import suppress

from local_aws.app import App
from local_aws.execution.components import (
    COMPONENT,
    Component,
    Copies,
)
from local_aws.execution.deployment import find_model
from local_aws.execution.fleet import ENDPOINT
from local_aws.execution.model_server import ServerFailed
from local_aws.execution.placement import Site
from local_aws.execution.rollout import Rollout
from local_aws.execution.rollout_plan import ALL_AT_ONCE, plan_of
from local_aws.execution.states import now
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record


def touch(record: Record, status: str) -> None:
    record["InferenceComponentStatus"], record["LastModifiedTime"] = status, now()


def shown(call: Call, record: Record) -> Params:
    """The Specification as Describe shows it."""
    specification: Params = dict(record["_specification"])
    if "Container" in specification:
        container = dict(specification["Container"])
        image = container.pop("Image")
        deployed = {"SpecifiedImage": image, "ResolvedImage": image}
        specification["Container"] = container | {"DeployedImage": deployed}
    return specification


def bring(app: App, region: str, record: Record, *, replace: bool = False) -> None:
    """Bring a component to its record, in the background: another number of copies, or with `replace`
    copies of another specification."""
    arguments = (app, region, record, replace)
    name = f"component/{record['InferenceComponentName']}"
    threading.Thread(target=_bring, args=arguments, name=name, daemon=True).start()


def _bring(app: App, region: str, record: Record, replace: bool) -> None:
    traffic = app.fleet.traffic(region, record["EndpointName"])
    name, wanted = record["InferenceComponentName"], record["RuntimeConfig"]["DesiredCopyCount"]
    component = traffic.components.setdefault(name, Component(name, record["VariantName"]))
    problem = ""
    with component.changing:
        try:
            if component.serving is None or replace:
                _replace(app, region, record, component, wanted)
            else:
                component.serving.scale(wanted)
        except ServerFailed as error:
            problem = str(error)
    if component.cancelled.is_set():
        return
    _write(app, region, record, component, problem)


def _replace(app: App, region: str, record: Record, component: Component, wanted: int) -> None:
    specification = record["_specification"]
    site = Site(app, region, record["EndpointName"], component.name)
    container, role = _container(app, region, record)
    new = Copies(site, component.variant, specification, container, role, wanted)
    plan = ALL_AT_ONCE
    if component.serving:
        deployment = record.get("LastDeploymentConfig", {})
        plan = plan_of(deployment, [{"InitialInstanceCount": max(1, wanted)}])
    component.bring_in(new)
    Rollout(app, component, new, plan, _Silent()).run()
    old = component.settle(new)
    if old:
        old.stop()
    if component.cancelled.is_set():
        new.stop()


def _container(app: App, region: str, record: Record) -> tuple[Record, str]:
    specification = record["_specification"]
    if "ModelName" in specification:
        model = find_model(app, region, specification["ModelName"])
        return model["PrimaryContainer"], model.get("ExecutionRoleArn", "")
    container = specification["Container"]
    definition = {"Image": container["Image"], "Environment": container.get("Environment", {})}
    definition |= {"ModelDataUrl": container["ArtifactUrl"]} if "ArtifactUrl" in container else {}
    endpoint = app.store.get(ENDPOINT, region, record["EndpointName"]) or {}
    return definition, endpoint.get("_config", {}).get("ExecutionRoleArn", "")


class _Silent:
    """Nothing of a component's update shows before its end: it has no status for that."""

    def stage(self, status: str, new: Copies) -> None: ...

    def rolling_back(self, reason: str) -> None: ...

    def ended(self, problem: str | None, *, rollback_failed: bool = False) -> None: ...


def _write(app: App, region: str, record: Record, component: Component, problem: str) -> None:
    def change(latest: Record) -> None:
        latest["RuntimeConfig"]["CurrentCopyCount"] = component.copies
        if problem:
            latest["FailureReason"] = problem[:1024]
            latest["RuntimeConfig"]["DesiredCopyCount"] = component.copies
        touch(latest, "InService" if component.serving else "Failed")

    try:
        app.store.update(COMPONENT, region, component.name, change)
    except KeyError:  # deleted before its copies were there to be stopped
        app.fleet.traffic(region, record["EndpointName"]).components.pop(component.name, None)
        component.stop()
    _count(app, region, record)


def remove(app: App, region: str, record: Record) -> None:
    """Stop a component's copies and forget it, in the background."""
    threading.Thread(target=_remove, args=(app, region, record), daemon=True).start()


def _remove(app: App, region: str, record: Record) -> None:
    traffic = app.fleet.traffic(region, record["EndpointName"])
    component = traffic.components.pop(record["InferenceComponentName"], None)
    if component:
        component.stop()
    app.store.delete(COMPONENT, region, record["InferenceComponentName"])
    _count(app, region, record)


def _count(app: App, region: str, record: Record) -> None:
    """Have the endpoint's record show the instances that the components need now."""
    traffic = app.fleet.find(region, record["EndpointName"])
    serving = traffic.serving if traffic else None
    if serving is None:
        return
    summaries = {variant.name: variant.summary() for variant in serving.everything}

    def change(endpoint: Record) -> None:
        for variant in endpoint.get("ProductionVariants", []):
            variant.update(summaries.get(variant["VariantName"], {}))

    with suppress(KeyError):
        app.store.update(ENDPOINT, region, record["EndpointName"], change)
