"""What AWS refuses of an inference component."""

from __future__ import annotations

from local_aws.errors import limit_exceeded, validation
from local_aws.execution.components import COMPONENT, instances_for, needs_of
from local_aws.execution.fleet import ENDPOINT
from local_aws.sagemaker import models
from local_aws.sagemaker.registry import Call, Params
from local_aws.store import Record


def host_of(endpoint: Record, wanted: str | None) -> str:
    """The variant that hosts components. Raises `ValidationException`."""
    variants = endpoint["_config"]["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants if not variant.get("ModelName")]
    if not names:
        raise validation(
            f'The endpoint "{endpoint["EndpointArn"]}" does not host inference components: its '
            "variants have a ModelName"
        )
    if wanted is None:
        raise validation("VariantName is required")
    if wanted not in names:
        raise validation(f'The endpoint "{endpoint["EndpointArn"]}" has no variant {wanted}.')
    return wanted


def check_specification(call: Call, params: Params) -> Params:
    """The request's Specification, checked."""
    if "Specifications" in params:
        raise validation("The local AWS serves components of one Specification, not of several yet")
    specification: Params = params.get("Specification", {})
    if "BaseInferenceComponentName" in specification:
        raise validation("The local AWS does not serve adapters of a base component yet")
    if ("ModelName" in specification) == ("Container" in specification):
        raise validation("A Specification needs exactly one of ModelName and Container")
    if "ComputeResourceRequirements" not in specification:
        raise validation("A Specification needs ComputeResourceRequirements")
    requirements = specification["ComputeResourceRequirements"]
    least = requirements["MinMemoryRequiredInMb"]
    if requirements.get("MaxMemoryRequiredInMb", least) < least:
        raise validation("MaxMemoryRequiredInMb must not be below MinMemoryRequiredInMb")
    if "ModelName" in specification:
        container = models.find(call, specification["ModelName"])["PrimaryContainer"]
        if container["Mode"] == "MultiModel":
            raise validation("Multi-model containers cannot be served as inference components")
    elif "Image" not in specification["Container"]:
        raise validation("The Container of a Specification needs an Image")
    return specification


def check_fit(call: Call, record: Record) -> None:
    """Raise `ValidationException` when the copies that are wanted do not fit on the instances that
    there may be, or `ResourceLimitExceeded` when they are more than the quota. AWS's wording, and at
    what point it notices, is unverified."""
    name, endpoint = record["InferenceComponentName"], record["EndpointName"]
    others = [
        other
        for other in call.app.store.all(COMPONENT, call.region)
        if other["InferenceComponentName"] != name
    ]
    limit = call.app.config.simulation.endpoint_instances
    wanted = sum(r["RuntimeConfig"]["DesiredCopyCount"] for r in [*others, record])
    if wanted > limit:
        raise limit_exceeded(
            f"The account-level service limit 'Number of inference component copies' is {limit}: "
            f"{wanted} were asked for"
        )
    definition = definition_of(call, record)
    here = [other for other in others if other["EndpointName"] == endpoint]
    needed = instances_for(definition, [needs_of(r) for r in [*here, record]])
    managed = definition.get("ManagedInstanceScaling", {})
    most = managed.get("MaxInstanceCount", definition["InitialInstanceCount"])
    if needed > most:
        raise validation(
            f"Inference component {name} does not fit: its copies and those beside them need {needed} "
            f"instances, and variant {record['VariantName']} has at most {most}"
        )


def definition_of(call: Call, record: Record) -> Params:
    """The ProductionVariant that hosts a component."""
    endpoint = call.app.store.get(ENDPOINT, call.region, record["EndpointName"])
    variants = endpoint["_config"]["ProductionVariants"] if endpoint else []
    for definition in variants:
        if definition["VariantName"] == record["VariantName"]:
            found: Params = definition
            return found
    raise validation(f"The variant {record['VariantName']} of {record['EndpointName']} is gone")
