"""An endpoint as a thing that bills: created or updated, and done only on the right configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from frugal.aws import autoscaling, clients
from frugal.jobs import bills
from frugal.jobs.bills import Description
from frugal.jobs.kind import CAPACITY_REASONS, Request, Tags, is_missing
from frugal.jobs.lasting import LastingKind
from frugal.jobs.outcome import AlgorithmFailed, CapacityUnavailable, JobError, RolledBack

DEPLOYED_WITHIN = timedelta(hours=1)
PARTS = ("EndpointConfig", "Endpoint")
UPDATE = ("DeploymentConfig", "RetainAllVariantProperties", "ExcludeRetainedVariantProperties")


@dataclass(frozen=True)
class EndpointKind(LastingKind):
    """An endpoint: created or updated, done only when it serves the configuration asked for.

    Its request holds {"Models": [...], "EndpointConfig": ..., "Endpoint": ...}, each the request of its Create
    call, and optionally what UpdateEndpoint takes besides (`UPDATE`) and "Alarms": PutMetricAlarm requests of
    what rolls an update back. An endpoint of inference components has no models.
    """

    def tagged(self, request: Request, tags: Tags) -> Request:
        """`request` with `tags` besides its own on the models, the configuration and the endpoint."""
        tag = super().tagged
        return {
            **request,
            "Models": [tag(model, tags) for model in request["Models"]],
            **{part: tag(request[part], tags) for part in PARTS},
        }

    def prepare(self, client: Any, request: Request) -> None:
        """Create the models and the configuration where they are missing."""
        models = [("model", "ModelName", model) for model in request["Models"]]
        config = ("endpoint_config", "EndpointConfigName", request["EndpointConfig"])
        for noun, key, part in (*models, config):
            try:
                getattr(client, f"describe_{noun}")(**{key: part[key]})
            except client.exceptions.ClientError as error:
                if not is_missing(error.response["Error"]):
                    raise
                getattr(client, f"create_{noun}")(**part)

    def make(self, client: Any, name: str, request: Request) -> None:
        """CreateEndpoint."""
        client.create_endpoint(**request["Endpoint"])

    def change(self, client: Any, name: str, request: Request) -> None:
        """UpdateEndpoint to the configuration that is asked for.

        The alarms come first: AWS refuses to roll back on those that it does not know. And scaling goes first
        when the variants' instances become others, which AWS refuses while they are scaled.
        """
        region = client.meta.region_name
        for alarm in request.get("Alarms", ()):
            clients.client("cloudwatch", region).put_metric_alarm(**alarm)
        served = client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        current = _sizes(client.describe_endpoint_config(EndpointConfigName=served))
        if current != _sizes(request["EndpointConfig"]):
            resources = [f"endpoint/{name}/variant/{variant}" for variant in current]
            autoscaling.release(resources, region)
        update = {key: request[key] for key in UPDATE if key in request}
        client.update_endpoint(EndpointName=name, EndpointConfigName=_wanted(request), **update)

    def is_for(self, description: Description, request: Request) -> bool:
        """Whether the configuration that it comes to, or else has, is the one that is asked for."""
        pending = description.get("PendingDeploymentSummary", {})
        name = pending.get("EndpointConfigName", description["EndpointConfigName"])
        return bool(name == _wanted(request))

    def progress(self, description: Description) -> str:
        """Status, and how far each variant of a deployment is: "Updating: main Baking 1 of 2 instances"."""
        pending = description.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
        return ": ".join([description["EndpointStatus"], *filter(None, [_variants(pending)])])

    def failure(self, description: Description, request: Request) -> JobError | None:
        """RolledBack when another configuration serves than the one asked for."""
        job, status = description["EndpointName"], description["EndpointStatus"]
        reason = description.get("FailureReason") or f"the endpoint is {status}"
        serves = description["EndpointConfigName"]
        if status == "InService" and serves == _wanted(request):
            return None
        if any(text in reason for text in CAPACITY_REASONS):
            return CapacityUnavailable(job, f"no capacity: {reason}")
        if status == "UpdateRollbackFailed":
            return RolledBack(job, f"the update failed and so did its rollback: {reason}")
        if status == "InService":
            return RolledBack(job, f"still serves {serves}, not {_wanted(request)}: {reason}")
        return AlgorithmFailed(job, reason)


def _limit(request: Request) -> timedelta:
    """An hour, or as long as a guarded deployment may take: waits between its steps make that hours."""
    policies = request.get("DeploymentConfig", {})
    policy = policies.get("BlueGreenUpdatePolicy") or policies.get("RollingUpdatePolicy") or {}
    keys = ("MaximumExecutionTimeoutInSeconds", "TerminationWaitInSeconds")
    return DEPLOYED_WITHIN + timedelta(seconds=sum(policy.get(key, 0) for key in keys))


def _wanted(request: Request) -> str:
    return str(request["EndpointConfig"]["EndpointConfigName"])


def _sizes(config: Request) -> dict[str, list[str]]:
    """What each variant of an endpoint configuration runs on."""
    sizes = {}
    for variant in config["ProductionVariants"]:
        types = [pool["InstanceType"] for pool in variant.get("InstancePools", ())]
        serverless = sorted(variant.get("ServerlessConfig", ()))
        sizes[variant["VariantName"]] = [variant.get("InstanceType", ""), *types, *serverless]
    return sizes


def _variants(pending: list[dict[str, Any]]) -> str:
    texts = []
    for variant in pending:
        stages = ", ".join(status["Status"] for status in variant.get("VariantStatus", []))
        counts = [variant.get(f"{which}InstanceCount") for which in ("Current", "Desired")]
        text = f"{counts[0]} of {counts[1]} instances" if None not in counts else ""
        texts.append(" ".join(filter(None, [variant["VariantName"], stages, text])))
    return "; ".join(texts)


ENDPOINT = EndpointKind(
    name="endpoint",
    resource="endpoint",
    create="create_endpoint",
    describe="describe_endpoint",
    stop="delete_endpoint",
    list="list_endpoints",
    name_key="EndpointName",
    arn_key="EndpointArn",
    status_key="EndpointStatus",
    underway=frozenset({"Creating"}),
    succeeded=frozenset({"InService"}),
    ended=frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"}),
    bill=bills.endpoint,
    limit=_limit,
)
