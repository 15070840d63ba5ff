"""Takes everything away that serves a model, in the order that AWS demands, and nothing that is not ours.

The model's packages in the registry and its artefacts in S3 stay: they cost next to nothing, and bring it back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from frugal.aws import autoscaling, clients, monitoring
from frugal.aws.names import DIGEST_LENGTH
from frugal.aws.ownership import foreign
from frugal.aws.prepare import place
from frugal.aws.retries import insist
from frugal.jobs.endpoint import ENDPOINT
from frugal.jobs.inference_component import INFERENCE_COMPONENT as COMPONENT
from frugal.jobs.kind import is_missing
from frugal.jobs.lasting import LastingKind
from frugal.serving import captured, multi_model
from frugal.serving.autoscaling import component_resource, variant_resource
from frugal.serving.names import alarm_prefix, served_by, shared_name
from frugal.serving.strays import strays
from frugal.spec import ModelSpec

PATIENCE_SECONDS = 1800.0
LOOK_SECONDS = 1.0
IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack")


class NotRemovable(Exception):
    """It cannot be removed now, or is not ours; the message says which and why."""


@dataclass(frozen=True)
class Serving:
    """What serves a model, found in AWS. Nothing of it is there when `lines` is empty."""

    region: str
    endpoints: list[str] = field(default_factory=list)
    schedules: list[str] = field(default_factory=list)
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
            "monitoring schedule": self.schedules,
            "scaling of": self.resources,
            "alarm": self.alarms,
            "inference component": self.components,
            "endpoint": self.endpoints,
            "endpoint configuration": self.configs,
            "model": self.models,
        }
        return [f"{kind} {name}" for kind, names in kinds.items() for name in names]


def find(spec: ModelSpec, *, earlier: bool = False) -> Serving:
    """What there is to remove: what serves the model under the name of its spec, and what earlier forms or names of its
    serving left; with `earlier` that alone. Of an endpoint that serves other models too, this model's versions.

    Raises NotRemovable when an endpoint or something on it is not ours, or a deployment is under way.
    """
    wanted, strangers = set(served_by(spec)), set(strays(spec))
    names = {spec.name, shared_name(spec), *strangers, *wanted}
    found = Serving(clients.client("sagemaker").meta.region_name)
    bucket = place(spec, "remove").bucket
    for name in sorted(names - wanted if earlier else names):
        versions, others = _artefacts(spec, name, bucket)
        found.objects.extend(versions)
        if not others and (versions or name in {spec.name, *strangers, *wanted}):
            _add_endpoint(found, name)
    return found


def find_endpoint(spec: ModelSpec, name: str, region: str | None = None) -> Serving:
    """The model's endpoint of one name, and what belongs to it. Raises NotRemovable as `find` does, and when the
    endpoint serves other models, too.
    """
    found = Serving(clients.client("sagemaker", region).meta.region_name)
    versions, others = _artefacts(spec, name, place(spec, "remove").bucket)
    if others:
        raise NotRemovable(f"endpoint {name} serves other models, too")
    found.objects.extend(versions)
    _add_endpoint(found, name)
    return found


def remove(serving: Serving) -> list[str]:
    """Remove what was found; returns a line for each thing that went.

    What AWS throttles or does not answer is tried again for minutes, and what is gone by then counts as removed.
    """
    sagemaker = clients.client("sagemaker", serving.region)
    for uri in serving.objects:
        _delete(clients.client("s3").delete_object, **_object(uri))
    for schedule in serving.schedules:
        insist(partial(monitoring.remove, schedule, serving.region))
    insist(lambda: autoscaling.release(serving.resources, serving.region))
    insist(lambda: autoscaling.delete_alarms(set(serving.alarms), serving.region))
    for kind, names in ((COMPONENT, serving.components), (ENDPOINT, serving.endpoints)):
        for name in names:
            _await_settled(kind, sagemaker, name)
            insist(partial(kind.remove, sagemaker, name))
        for name in names:
            _await_gone(kind, sagemaker, name)
    for config in serving.configs:
        _delete(sagemaker.delete_endpoint_config, EndpointConfigName=config)
    for model in serving.models:
        _delete(sagemaker.delete_model, ModelName=model)
    return serving.lines


def _add_endpoint(found: Serving, name: str) -> None:
    """Add an endpoint, what is on it and what it was made from, to what was found."""
    sagemaker = clients.client("sagemaker", found.region)
    endpoint = ENDPOINT.find(sagemaker, name)
    if endpoint is not None:
        if whose := foreign(sagemaker, endpoint["EndpointArn"]):
            raise NotRemovable(f"endpoint {name} is {whose}")
        if _is_deployed(endpoint):
            status = endpoint["EndpointStatus"]
            raise NotRemovable(
                f"endpoint {name} is {status}: AWS deletes it only when that is over"
            )
        for schedule, arn in monitoring.schedules(name, found.region).items():
            if whose := foreign(sagemaker, arn):
                raise NotRemovable(f"monitoring schedule {schedule} is {whose}")
            found.schedules.append(schedule)
        components = list(_components(sagemaker, endpoint))
        variants = [variant["VariantName"] for variant in endpoint.get("ProductionVariants", [])]
        resources = [variant_resource(name, variant) for variant in variants]
        resources += [component_resource(component) for component in components]
        scaled = autoscaling.scaled(resources, found.region)
        for resource, whose in scaled.items():
            if whose:
                raise NotRemovable(f"scaling of {resource} is {whose}")
        found.endpoints.append(name)
        found.components.extend(components)
        found.resources.extend(sorted(scaled))
    found.alarms.extend(sorted(autoscaling.alarm_names(alarm_prefix(name), found.region)))
    found.configs.extend(_named(sagemaker, "endpoint_config", "EndpointConfig", name))
    found.models.extend(_named(sagemaker, "model", "Model", name))


def _artefacts(spec: ModelSpec, endpoint: str, bucket: str) -> tuple[list[str], bool]:
    """This model's objects on an endpoint that models share, and whether other models have any there."""
    versions, root = multi_model.versions(endpoint, bucket), f"s3://{bucket}/"
    found = [f"{root}{key}" for key in clients.list_objects(versions)]
    own = [uri for uri in found if uri.startswith(f"{versions}{spec.name}/")]
    told = (
        multi_model.current(spec.name, endpoint, bucket),
        captured.settings_uri(spec.name, endpoint, bucket),
    )
    documents = [f"{root}{key}" for uri in told for key in clients.list_objects(uri)]
    return [*own, *documents], len(own) < len(found)


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


def _object(uri: str) -> dict[str, str]:
    bucket, key = clients.split_uri(uri)
    return {"Bucket": bucket, "Key": key}


def _delete(call: Callable[..., Any], **names: str) -> None:
    """Make a Delete call until it is answered; what is missing by then is gone."""
    from botocore.exceptions import ClientError

    try:
        insist(lambda: call(**names))
    except ClientError as error:
        if not is_missing(error.response["Error"]):
            raise


def _is_deployed(endpoint: Mapping[str, Any]) -> bool:
    """Whether a deployment is under way; an endpoint that is merely scaled is Updating without one."""
    return endpoint["EndpointStatus"] in IN_PROGRESS and (
        endpoint["EndpointStatus"] != "Updating" or "PendingDeploymentSummary" in endpoint
    )


def _await_settled(kind: LastingKind, sagemaker: Any, name: str) -> None:
    """Let the last change of capacity end, now that nothing scales it any more: AWS deletes nothing before."""
    _await(kind, sagemaker, name, lambda status: status not in IN_PROGRESS)


def _await_gone(kind: LastingKind, sagemaker: Any, name: str) -> None:
    _await(kind, sagemaker, name, lambda status: False)


def _await(kind: LastingKind, sagemaker: Any, name: str, ends: Callable[[str], bool]) -> None:
    """Return when it is gone, or has a status that `ends` the wait. Raises NotRemovable when neither comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found := insist(partial(kind.find, sagemaker, name)):
        status = found[kind.status_key]
        if ends(status):
            return
        if time.monotonic() > deadline:
            raise NotRemovable(f"{name} is {status} for {PATIENCE_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)
