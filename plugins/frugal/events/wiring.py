"""What carries a drift job's end from AWS to Airflow: made, and taken away, by name.

    rule: Processing Job State Change, Completed, <model>-drift-* or what Model Monitor calls its jobs
      -> queue -> dead-letter queue, after 5 receives
                    -> alarm of the same name -> SNS topic, where there is one

The event's ExitMessage is not documented (EventBridge reference, "SageMaker Processing Job State Change"), so the rule
goes by the job's name, and what hears the event reads the verdict.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from frugal.aws import clients
from frugal.aws.names import slug
from frugal.aws.settings import Settings
from frugal.aws.tags import ENVIRONMENT, MANAGED_BY, MODEL, as_dict, as_list
from frugal.events import alarm
from frugal.events.ownership import NotOurs, check
from frugal.spec import ModelSpec
from frugal.spec.monitor import MODEL_MONITOR

RECEIVES = 5
KEPT_SECONDS = (
    14 * 24 * 3600
)  # MessageRetentionPeriod, the longest there is: SQS, SetQueueAttributes
HIDDEN_SECONDS = 120
TARGET = "drift"
#: What AWS calls the jobs of monitoring schedules, of all of an account's: who hears of another model's finds nothing.
#: The names are those of published logs, that of data quality's newest schedules is not verified.
MODEL_MONITOR_JOBS = [
    "model-monitoring-",
    "data-quality-monitoring-",
    "model-quality-monitoring-",
]

__all__ = ["NotOurs", "Wiring", "down", "queue_url", "up"]


@dataclass(frozen=True)
class Wiring:
    """Names of one model's rule and queues."""

    model: str

    @property
    def queue(self) -> str:
        """Of the queue and of the rule. The longest model name leaves 24 characters to the environment."""
        return f"frugal-{slug(Settings.load().environment)[:24]}-{self.model}"

    @property
    def dead(self) -> str:
        """Of the dead-letter queue."""
        return f"{self.queue}-dead"


def up(spec: ModelSpec, job_prefix: str) -> list[str]:
    """Make the queues, then the rule that sends them the ends of jobs whose names start with `job_prefix`, or of Model
    Monitor's where that watches.

    Doing it again changes nothing. Returns the ARNs. Raises NotOurs.
    """
    wiring, sqs, events = Wiring(spec.name), clients.client("sqs"), clients.client("events")
    tags = {
        **MANAGED_BY,
        ENVIRONMENT: Settings.load().environment,
        MODEL: spec.name,
        "frugal:owner": spec.owner.team,
    }
    _check_rule(events, wiring.queue)
    known = MODEL_MONITOR_JOBS if spec.monitor.backend == MODEL_MONITOR else [f"{job_prefix}-"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Processing Job State Change"],
        "detail": {
            "ProcessingJobName": [{"prefix": prefix} for prefix in known],
            "ProcessingJobStatus": ["Completed"],
        },
    }
    rule: str = events.put_rule(
        Name=wiring.queue,
        EventPattern=json.dumps(pattern),
        Description=f"Drift jobs of {spec.name} to Airflow",
        Tags=as_list(tags),
    )["RuleArn"]
    dead = _queue(sqs, wiring.dead, tags, {"Policy": _from_rule(rule)})
    redrive = {"deadLetterTargetArn": dead, "maxReceiveCount": RECEIVES}
    queue = _queue(
        sqs,
        wiring.queue,
        tags,
        {
            "VisibilityTimeout": str(HIDDEN_SECONDS),
            "RedrivePolicy": json.dumps(redrive),
            "Policy": _from_rule(rule),
        },
    )
    target = {"Id": TARGET, "Arn": queue, "DeadLetterConfig": {"Arn": dead}}
    answer = events.put_targets(Rule=wiring.queue, Targets=[target])
    if answer["FailedEntryCount"]:
        raise RuntimeError(f"{wiring.queue}: {answer['FailedEntries']}")
    return [rule, queue, dead, alarm.up(wiring.dead, tags, spec.monitor.alerts)]


def down(spec: ModelSpec) -> list[str]:
    """Take rule and queues away, with what is in them; returns their names. Raises NotOurs."""
    wiring, sqs, events = Wiring(spec.name), clients.client("sqs"), clients.client("events")
    gone = []
    if _check_rule(events, wiring.queue):
        events.remove_targets(Rule=wiring.queue, Ids=[TARGET])
        events.delete_rule(Name=wiring.queue)
        gone.append(f"rule {wiring.queue}")
    for name in (wiring.queue, wiring.dead):
        if url := queue_url(name):
            _check_queue(sqs, name, url)
            sqs.delete_queue(QueueUrl=url)
            gone.append(f"queue {name}")
    if alarm.down(wiring.dead):
        gone.append(f"alarm {wiring.dead}")
    return gone


def queue_url(name: str) -> str | None:
    """URL of a queue; None when there is none."""
    sqs = clients.client("sqs")
    try:
        url: str = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return None
    return url


def _queue(sqs: Any, name: str, tags: dict[str, str], attributes: dict[str, str]) -> str:
    """ARN of the queue, made and set as asked."""
    common = {"MessageRetentionPeriod": str(KEPT_SECONDS), "SqsManagedSseEnabled": "true"}
    wanted = common | attributes
    url = queue_url(name)
    if url is None:
        url = sqs.create_queue(QueueName=name, Attributes=wanted, tags=tags)["QueueUrl"]
    else:
        _check_queue(sqs, name, url)
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    policy = wanted["Policy"].replace("<queue>", arn)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={**wanted, "Policy": policy})
    return arn


def _from_rule(rule: str) -> str:
    """A queue policy by which this rule alone may send."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "<queue>",
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _check_rule(events: Any, name: str) -> bool:
    """Whether the rule is there. Raises NotOurs."""
    try:
        arn = events.describe_rule(Name=name)["Arn"]
    except events.exceptions.ResourceNotFoundException:
        return False
    check(f"rule {name}", as_dict(events.list_tags_for_resource(ResourceARN=arn)["Tags"]))
    return True


def _check_queue(sqs: Any, name: str, url: str) -> None:
    check(f"queue {name}", sqs.list_queue_tags(QueueUrl=url).get("Tags", {}))
