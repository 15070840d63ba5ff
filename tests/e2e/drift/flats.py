"""Models whose training is a stand-in, so that what is between a drift job's end and it can be watched alone."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from frugal.aws import clients
from frugal.events import wiring
from frugal.spec import parse_spec
from frugal.stages import drift
from frugal.stages.common import processing_output
from tests.e2e.drift.patience import until
from tests.faults.cluster import Cluster
from tests.faults.work import BUCKET, CLUSTER, IMAGE, ROLE

#: Both have a queue at first; `rooms` is looked after every minute besides, as others are every hour.
FLATS, ROOMS = "flats", "rooms"
MAILS = "mails"
SPEC = """\
name: {name}
owner: {{team: growth, cost_center: cc-12}}
data:
  target: rent
  key: [id]
  columns: {{id: string, area: float, rent: float}}
evaluate: {{metric: rmse, floor: 1000}}
monitor:
  schedule: "@yearly"
  alerts: "arn:aws:sns:us-east-1:123456789012:alerts"
  retrain: {{cooldown: 1s, per_week: 100}}
"""
#: Leaves a verdict as a drift job does.
JOB = (
    "import json, pathlib, sys; "
    "found = {'verdict': 'drift', 'reason': 'area drifted'}; "
    "pathlib.Path(sys.argv[1], 'drift.json').write_text(json.dumps(found))"
)
OUTPUT = "/opt/ml/processing/output/drift"


def write_include(folder: Path) -> None:
    """What their code is published from. No model.yaml, so that dags/train.py does not train them."""
    for name in (FLATS, ROOMS):
        (folder / "models" / name).mkdir(parents=True)
        (folder / "models" / name / "train.py").touch()


@dataclass
class Flats:
    """One of the models, in one account."""

    cluster: Cluster
    name: str = FLATS
    first: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    )

    def __post_init__(self) -> None:
        self.put(f"{self.name}/raw/rows.csv", b"id,area,rent\n1,2,3\n")

    @property
    def queue(self) -> str:
        return f"frugal-dev-{self.name}"

    @property
    def train(self) -> str:
        return f"train_{self.name}"

    @property
    def retrain(self) -> str:
        return f"retrain_on_drift_{self.name}"

    def listen(self) -> None:
        """Make what tells Airflow of the model's drift jobs."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.cluster.local.client_environment().items():
                patch.setenv(name, value)
            patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
            clients.forget()
            wiring.up(parse_spec(SPEC.format(name=self.name)), f"{self.name}-drift")
        clients.forget()

    def window(self, number: int) -> str:
        """Name of a window of an hour; a later one has a higher number."""
        return f"{self.first + timedelta(hours=number - 500):%Y-%m-%dT%HZ}-1h"

    def drift(self, *numbers: int) -> list[str]:
        """Let drift jobs find drift in these windows, one after the other; their names."""
        jobs = []
        for number in numbers:
            job, window = f"{self.name}-drift-{uuid.uuid4().hex[:10]}", self.window(number)
            self.cluster.sagemaker.create_processing_job(
                ProcessingJobName=job,
                RoleArn=ROLE,
                AppSpecification={
                    "ImageUri": IMAGE,
                    "ContainerEntrypoint": ["python3", "-c", JOB, OUTPUT],
                },
                Environment={drift.IN_ENVIRONMENT: window},
                ProcessingResources={"ClusterConfig": CLUSTER},
                ProcessingOutputConfig={
                    "Outputs": [
                        processing_output("drift", f"s3://{BUCKET}/{self.name}/monitor/{window}")
                    ]
                },
            )
            until(partial(self._ended, job), f"the end of {job}")
            jobs.append(job)
        return jobs

    def _ended(self, job: str) -> bool:
        found = self.cluster.sagemaker.describe_processing_job(ProcessingJobName=job)
        assert found["ProcessingJobStatus"] in ("InProgress", "Completed"), found
        return bool(found["ProcessingJobStatus"] == "Completed")

    def send(self, *bodies: str) -> None:
        """Put messages into the queue."""
        sqs = self.cluster.client("sqs")
        url = sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)

    def subscribe(self) -> None:
        """Let what people are told go into a queue."""
        sns, sqs = self.cluster.client("sns"), self.cluster.client("sqs")
        topic = sns.create_topic(Name="alerts")["TopicArn"]
        url = sqs.create_queue(QueueName=MAILS)["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def mails(self) -> list[str]:
        """What people were told since this was asked before."""
        sqs, found = self.cluster.client("sqs"), list[str]()
        url = sqs.get_queue_url(QueueName=MAILS)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def visible_again_after(self, seconds: int) -> None:
        """How long a message is hidden from others once it was received."""
        sqs = self.cluster.client("sqs")
        url = sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})

    def save(self) -> None:
        """Await that what the local AWS was told of messages is on its disk, which takes it a moment."""
        saved = self.cluster.local.state / "services" / "sqs.pickle"
        for _ in range(2):  # what is written first may have been read before the last message came
            before = time.time()
            self.visible_again_after(wiring.HIDDEN_SECONDS)
            until(partial(_is_written, saved, before), "the messages to be on disk")

    def messages(self, name: str = "") -> Messages:
        """What is in the queue, or in another one."""
        sqs = self.cluster.client("sqs")
        url = sqs.get_queue_url(QueueName=name or self.queue)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        waiting, held = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        return Messages(int(found[waiting]), int(found[held]))

    def trained(self) -> list[str]:
        """Ids of the training runs, the first first."""
        return [run["dag_run_id"] for run in self.cluster.api.runs(self.train)]

    def events(self) -> int:
        """How many asset events Airflow heard from the queue's trigger."""
        return self.cluster.api.events(f"drift of {self.name}")

    def read(self, number: int, document: str) -> Any:
        """A document of a window; None when there is none."""
        key = f"{self.name}/monitor/{self.window(number)}/{document}"
        listed = self.cluster.s3.list_objects_v2(Bucket=BUCKET, Prefix=key)
        if not listed["KeyCount"]:
            return None
        return json.loads(self.cluster.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def put(self, key: str, body: bytes) -> None:
        """Put an object."""
        self.cluster.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def rest(self) -> None:
        """Await that nothing is left to do: no message, and no DAG run."""
        dags = (self.train, self.retrain)
        until(lambda: self.messages() == Messages(0, 0), f"the end of the messages of {self.name}")
        until(
            lambda: all(
                run["state"] in ("success", "failed")
                for dag in dags
                for run in self.cluster.api.runs(dag)
            ),
            f"the end of the runs of {self.name}",
        )


def _is_written(path: Path, since: float) -> bool:
    return path.stat().st_mtime >= since


class Messages(NamedTuple):
    """How many wait, and how many somebody took and has not deleted yet."""

    waiting: int
    held: int
