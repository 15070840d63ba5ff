"""What an endpoint's record says of its deployments, while they run and once they are through."""

from __future__ import annotations

from typing import Any

from local_aws.app import App
from local_aws.execution.deployment import Deployment, pools_of
from local_aws.execution.fleet import ENDPOINT
from local_aws.execution.rollout_plan import ALL_AT_ONCE, Plan, plan_of
from local_aws.execution.states import now
from local_aws.sagemaker.registry import Params
from local_aws.store import Record

# Statuses as EventBridge spells them.
_EVENT_STATUS = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "InService": "IN_SERVICE",
    "RollingBack": "ROLLING_BACK",
    "Deleting": "DELETING",
    "Failed": "FAILED",
    "OutOfService": "OUT_OF_SERVICE",
    "UpdateRollbackFailed": "UPDATE_ROLLBACK_FAILED",
}
_STAGES = {
    "Creating": "Creating the new fleet",
    "ActivatingTraffic": "Turning on traffic on the new fleet",
    "Baking": "Monitoring the alarms of the automatic rollback",
}
# What DescribeEndpoint shows of a variant as its definition has it.
_KEPT = ("InstanceType", "ManagedInstanceScaling", "RoutingConfig")


def touch(record: Record, status: str) -> None:
    record["EndpointStatus"], record["LastModifiedTime"] = status, now()


def publish(app: App, region: str, record: Record) -> None:
    """Tell EventBridge the endpoint's status."""
    known = ("EndpointName", "EndpointArn", "EndpointConfigName", "FailureReason")
    detail = {k: record[k] for k in known if k in record}
    detail |= {k: int(record[k] * 1000) for k in ("CreationTime", "LastModifiedTime")}
    detail["EndpointStatus"] = _EVENT_STATUS[record["EndpointStatus"]]
    detail["Tags"] = app.store.tags(record["EndpointArn"])
    app.telemetry.event(region, "SageMaker Endpoint State Change", detail, [record["EndpointArn"]])


def deploy(app: App, region: str, name: str, config: Record, plan: Plan = ALL_AT_ONCE) -> None:
    """Bring an endpoint to a configuration, in the background; its record says how that goes."""
    app.fleet.deploy(region, name, config, plan, Entry(app, region, name, config))


def plan_for(record: Record, config: Record) -> Plan:
    """How the endpoint's LastDeploymentConfig brings it to a configuration.

    Serverless endpoints fall back to all at once without baking, as AWS's.
    """
    variants = config["ProductionVariants"]
    if any("ServerlessConfig" in variant for variant in variants):
        return ALL_AT_ONCE
    return plan_of(record.get("LastDeploymentConfig", {}), variants)


class Entry:
    """The journal of one deployment: an endpoint's record."""

    def __init__(self, app: App, region: str, name: str, config: Record) -> None:
        self._app, self._region, self._name, self._config = app, region, name, config

    def stage(self, status: str, new: Deployment) -> None:
        state = {"Status": status, "StatusMessage": _STAGES[status], "StartTime": now()}
        shown = [summary | {"VariantStatus": [state]} for summary in self._summaries(new)[0]]

        def change(record: Record) -> None:
            if "PendingDeploymentSummary" in record:
                record["PendingDeploymentSummary"]["ProductionVariants"] = shown

        self._write(change)

    def rolling_back(self, reason: str) -> None:
        def change(record: Record) -> None:
            record["FailureReason"] = reason[:1024]
            touch(record, "RollingBack")

        self._write(change, tell=True)

    def ended(self, problem: str | None, *, rollback_failed: bool = False) -> None:
        def change(record: Record) -> None:
            record.pop("PendingDeploymentSummary", None)
            record.pop("_pending", None)
            record.pop("FailureReason", None)
            traffic = self._app.fleet.find(self._region, self._name)
            if problem is None and traffic and traffic.serving:
                record.update(self._serving(traffic.serving))
                touch(record, "InService")
                return
            record["FailureReason"] = (problem or "")[:1024]
            if rollback_failed:
                touch(record, "UpdateRollbackFailed")
            else:
                touch(record, "InService" if traffic else "Failed")

        self._write(change, tell=True)

    def _write(self, change: Any, tell: bool = False) -> None:
        try:
            record = self._app.store.update(ENDPOINT, self._region, self._name, change)
        except KeyError:
            self._app.fleet.remove(self._region, self._name)
            return
        if tell:
            publish(self._app, self._region, record)

    def _serving(self, deployment: Deployment) -> Record:
        """What DescribeEndpoint shows of the configuration that serves; `_config` is it as it is,
        scaled and weighted since."""
        config = self._config
        production, shadow = self._summaries(deployment)
        members: Record = {
            "EndpointConfigName": config["EndpointConfigName"],
            "_config": config,
            "ProductionVariants": production,
            "ShadowProductionVariants": shadow or None,
            "AsyncInferenceConfig": config.get("AsyncInferenceConfig"),
            "DataCaptureConfig": None,
        }
        if capture := config.get("DataCaptureConfig"):
            enabled = capture.get("EnableCapture", True)
            members["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled else "Stopped",
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": capture.get("KmsKeyId", ""),
            }
        return members

    def _summaries(self, deployment: Deployment) -> tuple[list[Record], list[Record]]:
        shown = {v.name: self._summary(v.summary(), v.definition) for v in deployment.everything}
        production = [shown.pop(name) for name in deployment.variants]
        return production, list(shown.values())

    def _summary(self, current: Record, definition: Params) -> Record:
        weight = definition["InitialVariantWeight"]
        summary: Record = {"DesiredWeight": weight, **current}
        summary["DesiredInstanceCount"] = definition.get("InitialInstanceCount", 0)
        summary |= {member: definition[member] for member in _KEPT if member in definition}
        if "ServerlessConfig" in definition:
            summary["DesiredServerlessConfig"] = definition["ServerlessConfig"]
        if definition.get("ModelName"):
            best = pools_of(self._app, self._region, definition)[0]
            image = best.model["PrimaryContainer"]["Image"]
            deployed = {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now()}
            summary["DeployedImages"] = [deployed]
        return summary
