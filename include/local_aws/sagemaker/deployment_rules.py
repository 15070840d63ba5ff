"""What AWS refuses of an UpdateEndpoint: forms that do not follow each other, guardrails that a form
does not have, sizes and times out of bounds."""

from __future__ import annotations

from local_aws.errors import validation
from local_aws.sagemaker.endpoint_rules import forms_of
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record

DEFAULT_TIMEOUT = 28800

# Forms without deployment guardrails. On Inf1 AWS takes the request and falls back to all at once
# without a word (deployment-guardrails-exclusions); refused here, or a rollback that was asked for
# would be missed only when it is needed.
UNGUARDED = {
    "inf1": "Inf1 instances have no deployment guardrails: AWS would shift all traffic at once, without "
    "baking or rollback",
    "multi-model": "Multi-model endpoints have no deployment guardrails",
}


def check_deployment(call: Call, record: Record, config: Record, deployment: Params | None) -> None:
    """Raise `ValidationException` for an update that AWS refuses."""
    current = record.get("_config")
    forms = forms_of(call, config)
    was = forms_of(call, current) if current else forms
    if "serverless" in forms and "serverless" not in was:
        raise validation(
            "Cannot update an instance-based endpoint to a serverless one: create a new endpoint"
        )
    if ("component" in forms) != ("component" in was):
        raise validation(
            "Cannot update between variants with a ModelName and variants that host inference "
            "components: create a new endpoint"
        )
    if deployment is None:
        return
    names = [
        {v["VariantName"] for v in c["ProductionVariants"]} for c in (config, current or config)
    ]
    if names[0] != names[1]:
        raise validation("With a DeploymentConfig the variant names have to stay as they are")
    if "BlueGreenUpdatePolicy" in deployment and "RollingUpdatePolicy" in deployment:
        raise validation("Give one of BlueGreenUpdatePolicy and RollingUpdatePolicy")
    check_alarms(call, deployment)
    if _is_guarded(deployment):
        for form, why in UNGUARDED.items():
            if form in forms | was:
                raise validation(why)
    total = sum(v.get("InitialInstanceCount", 1) for v in config["ProductionVariants"])
    if rolling := deployment.get("RollingUpdatePolicy"):
        for form in ("serverless", "variants", "shadow"):
            if form in forms:
                raise validation(
                    "Rolling deployments support neither serverless endpoints nor several variants"
                )
        check_rolling(rolling, total)
    if policy := deployment.get("BlueGreenUpdatePolicy"):
        _check_blue_green(policy, total)


def check_alarms(call: Call, deployment: Params) -> None:
    """Raise `ValidationException` for an alarm that is not there. Alarms are a prerequisite of automatic
    rollback (deployment-guardrails-configuration); that AWS looks for them at once is unverified."""
    alarms = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    names = [alarm["AlarmName"] for alarm in alarms]
    absent = [name for name in names if call.app.cloudwatch.state(name, call.region) is None]
    if absent:
        raise validation(
            f"AutoRollbackConfiguration names alarms that do not exist: {', '.join(absent)}"
        )


def check_rolling(policy: Params, total: int) -> None:
    """Raise `ValidationException` for a RollingUpdatePolicy that does not fit so many instances."""
    _check_size("MaximumBatchSize", policy["MaximumBatchSize"], total, 5, 50)
    if "RollbackMaximumBatchSize" in policy:
        _check_size("RollbackMaximumBatchSize", policy["RollbackMaximumBatchSize"], total, 5, 100)
    _check_timeout(policy, policy["WaitIntervalInSeconds"])


def _is_guarded(deployment: Params) -> bool:
    policy = deployment.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {})
    return bool(
        "RollingUpdatePolicy" in deployment
        or deployment.get("AutoRollbackConfiguration", {}).get("Alarms")
        or routing.get("Type", "ALL_AT_ONCE") != "ALL_AT_ONCE"
    )


def _check_blue_green(policy: Params, total: int) -> None:
    routing = policy["TrafficRoutingConfiguration"]
    sizes = {"CANARY": ("CanarySize", 1), "LINEAR": ("LinearStepSize", 10)}
    for kind, (member, least) in sizes.items():
        if (routing["Type"] == kind) != (member in routing):
            raise validation(f"{member} goes with the type {kind}, and with no other")
        if member in routing:
            _check_size(member, routing[member], total, least, 50)
    _check_timeout(
        policy, routing["WaitIntervalInSeconds"] + policy.get("TerminationWaitInSeconds", 0)
    )


def _check_size(member: str, size: Params, total: int, least: int, most: int) -> None:
    percent = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else 100 * size["Value"] / total
    if not least <= percent <= most:
        raise validation(
            f"{member} must be between {least}% and {most}% of the variant's total instance count of "
            f"{total}: {size['Value']} was given"
        )


def _check_timeout(policy: Params, waits: int) -> None:
    limit = policy.get("MaximumExecutionTimeoutInSeconds", DEFAULT_TIMEOUT)
    if limit <= waits:
        raise validation(
            f"MaximumExecutionTimeoutInSeconds ({limit}) must be larger than the total waiting time of "
            f"{waits} seconds"
        )
