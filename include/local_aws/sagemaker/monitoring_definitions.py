"""Model Monitor's job definitions, of data and of model quality: what is taken and what is refused.

Messages are unverified. Bias and explainability definitions are Clarify's, and not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from local_aws.errors import in_use, not_found, validation
from local_aws.execution.fleet import CONFIG
from local_aws.execution.states import SCHEDULE, now
from local_aws.sagemaker import endpoints, models
from local_aws.sagemaker.jobs import one_instance
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

MAX_RUNTIME = 3600


@dataclass(frozen=True)
class Kind:
    """A MonitoringType; its members are called after it."""

    type: str
    resource: str

    @property
    def noun(self) -> str:
        return f"{self.type}JobDefinition"

    def register(self) -> None:
        operation(f"Create{self.noun}")(self.create)
        operation(f"Describe{self.noun}")(self.describe)
        operation(f"List{self.noun}s")(self.list)
        operation(f"Delete{self.noun}")(self.delete)

    def create(self, call: Call, params: Params) -> Params:
        name, tags = params["JobDefinitionName"], tags_of(params)
        source = self._check(call, params)
        arn = call.arn(f"{self.resource}/{name}")
        record: Record = {k: v for k, v in params.items() if k != "Tags"}
        record.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": MAX_RUNTIME})
        record |= {"JobDefinitionArn": arn, "_arn": arn, "CreationTime": now()}
        record |= {
            "MonitoringJobDefinitionName": name,
            "MonitoringJobDefinitionArn": arn,
            "EndpointName": source["EndpointName"],
        }
        try:
            call.app.store.create(self.resource, call.region, name, record)
        except Exists as error:
            raise in_use(f"Job definition {arn} already exists") from error
        call.app.store.tag(arn, tags)
        return {"JobDefinitionArn": arn}

    def find(self, call: Call, name: str) -> Record:
        record = call.app.store.get(self.resource, call.region, name)
        if record is None:
            raise not_found(f"Could not find job definition {call.arn(f'{self.resource}/{name}')}")
        return record

    def describe(self, call: Call, params: Params) -> Params:
        return self.find(call, params["JobDefinitionName"])

    def list(self, call: Call, params: Params) -> Params:
        found, more = page(
            call.app.store.all(self.resource, call.region),
            params,
            name="JobDefinitionName",
            default_order="Descending",
            equals={"EndpointName": "EndpointName"},
        )
        return {"JobDefinitionSummaries": found, **more}

    def delete(self, call: Call, params: Params) -> Params:
        record = self.find(call, params["JobDefinitionName"])
        name = record["JobDefinitionName"]
        for schedule in call.app.store.all(SCHEDULE, call.region):
            config = schedule["MonitoringScheduleConfig"]
            if config["MonitoringJobDefinitionName"] == name:
                raise validation(
                    f"{record['_arn']} is what {schedule['_arn']} runs: delete the schedule first"
                )
        call.app.store.delete(self.resource, call.region, name)
        return {}

    def source(self, record: Record) -> Params:
        """The endpoint that is looked at."""
        found: Params = record[f"{self.type}JobInput"]["EndpointInput"]
        return found

    def _check(self, call: Call, params: Params) -> Params:
        given = params[f"{self.type}JobInput"]
        if ("EndpointInput" in given) == ("BatchTransformInput" in given):
            raise validation("Give exactly one of EndpointInput and BatchTransformInput")
        if "BatchTransformInput" in given:
            raise validation("The local AWS monitors endpoints alone, no BatchTransformInput")
        check_captured(call, given["EndpointInput"]["EndpointName"])
        cluster = params["JobResources"]["ClusterConfig"]
        one_instance(cluster["InstanceType"], cluster["InstanceCount"], "processing job")
        application = params[f"{self.type}AppSpecification"]
        for script in ("RecordPreprocessorSourceUri", "PostAnalyticsProcessorSourceUri"):
            if script in application:
                raise validation(f"The local AWS's analyzer runs no {script}")
        if self.type == "ModelQuality" and "ProblemType" not in application:
            raise validation("ModelQualityAppSpecification.ProblemType must be given")
        output = params[f"{self.type}JobOutputConfig"]["MonitoringOutputs"][0]["S3Output"]
        source = self.source(params)
        for path in (source["LocalPath"], output["LocalPath"]):
            if not path.startswith("/opt/ml/processing"):
                raise validation(f"LocalPath must be below /opt/ml/processing, not {path}")
        return source


DATA_QUALITY = Kind("DataQuality", "data-quality-job-definition")
MODEL_QUALITY = Kind("ModelQuality", "model-quality-job-definition")
KINDS = {kind.type: kind for kind in (DATA_QUALITY, MODEL_QUALITY)}
for _kind in KINDS.values():
    _kind.register()


def check_captured(call: Call, endpoint: str) -> None:
    """Refuse an endpoint that is not there, hosts several models or serverless ones, or whose data is
    not captured (developer guide, "Model Monitor": real-time endpoints that host a single model)."""
    record = endpoints.find(call, endpoint)
    config = call.app.store.get(CONFIG, call.region, record["EndpointConfigName"])
    config = config or record["_config"]
    if not config.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise validation(f"The endpoint {endpoint} does not have data capture enabled")
    for container in _containers(call, config):
        if container.get("Mode", "SingleModel") != "SingleModel":
            raise validation(f"The endpoint {endpoint} hosts several models: it is not monitored")


def _containers(call: Call, config: Record) -> Iterator[Params]:
    for variant in config["ProductionVariants"]:
        if "ModelName" in variant:
            yield models.find(call, variant["ModelName"])["PrimaryContainer"]
