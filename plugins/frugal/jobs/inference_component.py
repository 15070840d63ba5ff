"""An inference component: a model's copies on an endpoint's instances, done only with the specification asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from frugal.aws import clients
from frugal.jobs import bills
from frugal.jobs.bills import Description
from frugal.jobs.kind import CAPACITY_REASONS, Request
from frugal.jobs.lasting import LOOK_SECONDS, LastingKind
from frugal.jobs.outcome import AlgorithmFailed, CapacityUnavailable, JobError, RolledBack

SETTLED_WITHIN = timedelta(hours=1)
SCALED_WITHIN_SECONDS = 900.0
UPDATE = ("Specification", "DeploymentConfig")


@dataclass(frozen=True)
class InferenceComponentKind(LastingKind):
    """Its request is CreateInferenceComponent's. Besides, "DeploymentConfig" of UpdateInferenceComponent, and "Alarms":
    PutMetricAlarm requests of what rolls an update back.

    How many copies run is its autoscaling's affair once it stands: RuntimeConfig counts when it is created.
    """

    def settled(
        self, client: Any, name: str, request: Request, found: Description | None
    ) -> Description | None:
        """Waits while it is being scaled: AWS takes no update meanwhile, and nothing that Describe shows tells a
        change of copies from an update of ours, which would be adopted.
        """
        deadline = time.monotonic() + SCALED_WITHIN_SECONDS
        while (
            found is not None
            and found[self.status_key] == "Updating"
            and _differences(request["Specification"], found["Specification"])
            and time.monotonic() < deadline
        ):
            time.sleep(LOOK_SECONDS)
            found = self.find(client, name)
        return found

    def make(self, client: Any, name: str, request: Request) -> None:
        """CreateInferenceComponent."""
        only_updates = ("DeploymentConfig", "Alarms")
        created = {key: value for key, value in request.items() if key not in only_updates}
        super().make(client, name, created)

    def change(self, client: Any, name: str, request: Request) -> None:
        """UpdateInferenceComponent to the specification that is asked for. Its alarms exist before that."""
        for alarm in request.get("Alarms", ()):
            clients.client("cloudwatch", client.meta.region_name).put_metric_alarm(**alarm)
        changed = {key: request[key] for key in UPDATE if key in request}
        client.update_inference_component(InferenceComponentName=name, **changed)

    def failure(self, description: Description, request: Request) -> JobError | None:
        """RolledBack when another specification serves than the one asked for, or AWS says why an update failed.

        Whether Describe shows the old or the new specification after a failed update is not verified.
        """
        name, status = description[self.name_key], description[self.status_key]
        reason = description.get("FailureReason") or f"the inference component is {status}"
        if status == "InService":
            differences = [*_differences(request["Specification"], description["Specification"])]
            if differences:
                return RolledBack(name, f"serves another specification: {'; '.join(differences)}")
            if not description.get("FailureReason"):
                return None
        if any(text in reason for text in CAPACITY_REASONS):
            return CapacityUnavailable(name, f"no capacity: {reason}")
        return (RolledBack if status == "InService" else AlgorithmFailed)(name, reason)


def _differences(asked: Mapping[str, Any], found: Mapping[str, Any], path: str = "") -> list[str]:
    """What was asked for and is not so. AWS shows an Image as DeployedImage.SpecifiedImage, and may add members."""
    differences = []
    for key, wanted in asked.items():
        where = f"{path}{key}"
        has = found.get("DeployedImage", {}).get("SpecifiedImage") if key == "Image" else None
        has = found.get(key) if has is None else has
        if isinstance(wanted, Mapping) and isinstance(has, Mapping):
            differences += _differences(wanted, has, f"{where}.")
        elif wanted != has:
            differences.append(f"{where} is {has!r}, not {wanted!r}")
    return differences


INFERENCE_COMPONENT = InferenceComponentKind(
    name="inference-component",
    resource="inference-component",
    create="create_inference_component",
    describe="describe_inference_component",
    stop="delete_inference_component",
    list="list_inference_components",
    name_key="InferenceComponentName",
    arn_key="InferenceComponentArn",
    status_key="InferenceComponentStatus",
    underway=frozenset({"Creating"}),
    succeeded=frozenset({"InService"}),
    ended=frozenset({"Failed"}),
    bill=bills.inference_component,
    limit=lambda request: SETTLED_WITHIN,
)
