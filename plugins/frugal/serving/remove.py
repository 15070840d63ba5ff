"""Takes everything away that serves a model, in the order that AWS demands, and nothing that is not ours.

The model's packages in the registry and its artefacts in S3 stay: they cost next to nothing, and bring it back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from frugal.aws import autoscaling, clients
from frugal.aws.names import DIGEST_LENGTH
from frugal.aws.ownership import foreign
from frugal.aws.prepare import place
from frugal.jobs.kind import JobKind
from frugal.jobs.kinds import KINDS
from frugal.serving import multi_model
from frugal.serving.autoscaling import component_resource, variant_resource
from frugal.serving.names import alarm_prefix, shared_name
from frugal.spec import ModelSpec

PATIENCE_SECONDS = 1800.0
LOOK_SECONDS = 1.0
IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack")
MAYBE_SHARED = ("multi-model", "auto")
ENDPOINT, COMPONENT = KINDS["endpoint"], KINDS["inference-component"]


class NotRemovable(Exception):
    """It cannot be removed now, or is not ours; the message says which and why."""


@dataclass(frozen=True)
class Serving:
    """What serves a model, found in AWS. Nothing of it is there when `lines` is empty."""

    region: str
    endpoints: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    configs: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Each thing with its kind, in the order in which it goes."""
        kinds = {
            "artefact": self.objects,
            "scaling of": self.resources,
            "alarm": self.alarms,
            "inference component": self.components,
            "endpoint": self.endpoints,
            "endpoint configuration": self.configs,
            "model": self.models,
        }
        return [f"{kind} {name}" for kind, names in kinds.items() for name in names]


def find(spec: ModelSpec) -> Serving:
    """What there is to remove: the model's own endpoint, also if model.yaml names another form by now, and of the one
    that multi-model siblings share this model's versions; that endpoint itself if it serves no other.

    Raises NotRemovable when an endpoint or something on it is not ours, or a deployment is under way.
    """
    sagemaker = clients.client("sagemaker")
    found, shared = Serving(sagemaker.meta.region_name), shared_name(spec)
    if spec.deploy.strategy in MAYBE_SHARED:
        own, others = _artefacts(spec, place(spec, "remove").bucket)
        found.objects.extend(own)
        if not others and (own or spec.deploy.strategy == "multi-model"):
            _add_endpoint(found, sagemaker, shared)
    if spec.name != shared or spec.deploy.strategy not in MAYBE_SHARED:
        _add_endpoint(found, sagemaker, spec.name)
    return found


def _add_endpoint(found: Serving, sagemaker: Any, name: str) -> None:
    """Add an endpoint, what is on it and what it was made from, to what was found."""
    endpoint = ENDPOINT.find(sagemaker, name)
    if endpoint is not None and (whose := foreign(sagemaker, endpoint["EndpointArn"])):
        raise NotRemovable(f"endpoint {name} is {whose}")
    if endpoint is not None and _is_deployed(endpoint):
        status = endpoint["EndpointStatus"]
        raise NotRemovable(f"endpoint {name} is {status}: AWS deletes it only when that is over")
    if endpoint is not None:
        components = list(_components(sagemaker, endpoint))
        variants = [variant["VariantName"] for variant in endpoint.get("ProductionVariants", [])]
        resources = [variant_resource(name, variant) for variant in variants]
        resources += [component_resource(component) for component in components]
        found.endpoints.append(name)
        found.components.extend(components)
        found.resources.extend(autoscaling.scaled(resources, found.region))
    found.alarms.extend(sorted(autoscaling.alarm_names(alarm_prefix(name), found.region)))
    found.configs.extend(_named(sagemaker, "endpoint_config", "EndpointConfig", name))
    found.models.extend(_named(sagemaker, "model", "Model", name))


def remove(serving: Serving) -> list[str]:
    """Remove what `find` found; returns a line for each thing that went."""
    sagemaker = clients.client("sagemaker", serving.region)
    for uri in serving.objects:
        bucket, key = clients.split_uri(uri)
        clients.client("s3").delete_object(Bucket=bucket, Key=key)
    autoscaling.release(serving.resources, serving.region)
    autoscaling.delete_alarms(set(serving.alarms), serving.region)
    for component in serving.components:
        _await_settled(COMPONENT, sagemaker, component)
        sagemaker.delete_inference_component(InferenceComponentName=component)
    for component in serving.components:
        _await_gone(COMPONENT, sagemaker, component)
    for name in serving.endpoints:
        _await_settled(ENDPOINT, sagemaker, name)
        sagemaker.delete_endpoint(EndpointName=name)
    for name in serving.endpoints:
        _await_gone(ENDPOINT, sagemaker, name)
    for config in serving.configs:
        sagemaker.delete_endpoint_config(EndpointConfigName=config)
    for model in serving.models:
        sagemaker.delete_model(ModelName=model)
    return serving.lines


def _artefacts(spec: ModelSpec, bucket: str) -> tuple[list[str], bool]:
    """This model's objects on the shared endpoint, and whether other models have any there."""
    prefix = multi_model.prefix(spec, bucket)
    versions, root = f"{prefix}/models/", f"s3://{bucket}/"
    found = [f"{root}{key}" for key in clients.list_objects(versions)]
    own = [uri for uri in found if uri.startswith(f"{versions}{spec.name}/")]
    pointer = multi_model.current(spec, bucket)
    pointers = [f"{root}{key}" for key in clients.list_objects(pointer)]
    return [*own, *pointers], len(own) < len(found)


def _components(sagemaker: Any, endpoint: Mapping[str, Any]) -> Iterator[str]:
    """Names of the inference components of an endpoint; only variants without a model have any.

    Raises NotRemovable when one of them is not ours: AWS does not delete an endpoint under it.
    """
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    if all("ModelName" in variant for variant in config["ProductionVariants"]):
        return
    pages = sagemaker.get_paginator("list_inference_components")
    for page in pages.paginate(EndpointNameEquals=endpoint["EndpointName"]):
        for item in page["InferenceComponents"]:
            component = item["InferenceComponentName"]
            if whose := foreign(sagemaker, item["InferenceComponentArn"]):
                raise NotRemovable(f"inference component {component} is {whose}")
            yield component


def _named(sagemaker: Any, noun: str, member: str, name: str) -> Iterator[str]:
    """Names `<name>-<digest>` of ours; things of a model `<name>-x` have another form."""
    form = re.compile(rf"{re.escape(name)}-[0-9a-f]{{{DIGEST_LENGTH}}}")
    for page in sagemaker.get_paginator(f"list_{noun}s").paginate(NameContains=name):
        for item in page[f"{member}s"]:
            found = item[f"{member}Name"]
            if form.fullmatch(found) and not foreign(sagemaker, item[f"{member}Arn"]):
                yield found


def _is_deployed(endpoint: Mapping[str, Any]) -> bool:
    """Whether a deployment is under way; an endpoint that is merely scaled is Updating without one."""
    return endpoint["EndpointStatus"] in IN_PROGRESS and (
        endpoint["EndpointStatus"] != "Updating" or "PendingDeploymentSummary" in endpoint
    )


def _await_settled(kind: JobKind, sagemaker: Any, name: str) -> None:
    """Let the last change of capacity end, now that nothing scales it any more: AWS deletes nothing before."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := kind.find(sagemaker, name)) and found[kind.status_key] in IN_PROGRESS:
        if time.monotonic() > deadline:
            status = found[kind.status_key]
            raise NotRemovable(f"{name} is {status} for {PATIENCE_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)


def _await_gone(kind: JobKind, sagemaker: Any, name: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := kind.find(sagemaker, name)) is not None:
        if time.monotonic() > deadline:
            status = found[kind.status_key]
            raise NotRemovable(f"{name} is {status} {PATIENCE_SECONDS:g} s after it was deleted")
        time.sleep(LOOK_SECONDS)
