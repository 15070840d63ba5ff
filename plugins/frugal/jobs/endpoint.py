"""An endpoint as a thing that bills: created or updated, and done only on the right configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from frugal.aws.run import MANAGED_BY as OWNED
from frugal.jobs import bills
from frugal.jobs.bills import Description
from frugal.jobs.kind import JobKind, Request, is_missing, is_ours
from frugal.jobs.outcome import AlgorithmFailed, JobError, RolledBack


@dataclass(frozen=True)
class EndpointKind(JobKind):
    """An endpoint: created or updated, done only when it serves the configuration asked for.

    Its request holds three: {"Model": ..., "EndpointConfig": ..., "Endpoint": ...}.
    """

    def ensure(self, client: Any, name: str, request: Request) -> Description:
        """Create the model and the configuration when missing, then create or update the endpoint.

        Raises AlgorithmFailed, before anything is made, when the endpoint exists and is not ours.
        """
        found = self.find(client, name)
        if found is not None and not is_ours(client, found["EndpointArn"]):
            owner = ", ".join(f"{key}={value}" for key, value in OWNED.items())
            raise AlgorithmFailed(
                name, f"there is an endpoint of this name without the tag {owner}"
            )
        model, config = request["Model"], request["EndpointConfig"]
        parts = (
            (client.describe_model, client.create_model, "ModelName", model),
            (
                client.describe_endpoint_config,
                client.create_endpoint_config,
                "EndpointConfigName",
                config,
            ),
        )
        for describe, create, key, part in parts:
            try:
                describe(**{key: part[key]})
            except client.exceptions.ClientError as error:
                if not is_missing(error.response["Error"]):
                    raise
                create(**part)
        wanted = config["EndpointConfigName"]
        if found is None:
            client.create_endpoint(**request["Endpoint"])
        elif found["EndpointStatus"] == "Failed":  # AWS refuses to update a failed endpoint
            client.delete_endpoint(EndpointName=name)
            client.get_waiter("endpoint_deleted").wait(EndpointName=name)
            client.create_endpoint(**request["Endpoint"])
        elif self.is_over(found) and found["EndpointConfigName"] != wanted:
            client.update_endpoint(EndpointName=name, EndpointConfigName=wanted)
        return client.describe_endpoint(EndpointName=name)  # type: ignore[no-any-return]

    def halt(self, client: Any, name: str) -> bool:
        """Delete the endpoint if it is still being created; one that serves, or is being updated, stays:
        AWS has no call that cancels an update, and the old model goes on serving.
        """
        found = self.find(client, name)
        if found is None or found["EndpointStatus"] != "Creating":
            return False
        if not is_ours(client, found["EndpointArn"]):
            return False
        client.delete_endpoint(EndpointName=name)
        return True

    def failure(self, description: Description, request: Request) -> JobError | None:
        """RolledBack when another configuration serves than the one asked for."""
        job, status = description["EndpointName"], description["EndpointStatus"]
        reason = description.get("FailureReason") or f"the endpoint is {status}"
        if status == "UpdateRollbackFailed":
            return RolledBack(job, f"the update failed and so did its rollback: {reason}")
        if status != "InService":
            return AlgorithmFailed(job, reason)
        wanted, serves = (
            request["EndpointConfig"]["EndpointConfigName"],
            description["EndpointConfigName"],
        )
        if serves != wanted:
            return RolledBack(job, f"still serves {serves}, not {wanted}: {reason}")
        return None


ENDPOINT = EndpointKind(
    name="endpoint",
    create="create_endpoint",
    describe="describe_endpoint",
    stop="delete_endpoint",
    name_key="EndpointName",
    arn_key="EndpointArn",
    status_key="EndpointStatus",
    succeeded=frozenset({"InService"}),
    ended=frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"}),
    bill=bills.endpoint,
    limit=lambda request: timedelta(hours=1),
    one_per_attempt=False,
)
