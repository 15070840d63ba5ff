"""The CloudWatch alarm on a dead-letter queue: it rings while a message that nobody could read lies there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frugal.aws import clients
from frugal.aws.tags import as_dict, as_list
from frugal.events import ownership
from frugal.events.alert import topic_of

#: SQS publishes its metrics once a minute, for queues that were used in the last six hours (SQS, "Available CloudWatch
#: metrics"): silence afterwards says nothing of the messages, so the alarm stays as it is.
PERIOD_SECONDS = 60


def up(queue: str, tags: Mapping[str, str], topic: str | None) -> str:
    """Make the alarm on `queue`, which tells the topic, if there is one; returns its ARN. Raises NotOurs."""
    _check(queue)
    arn = topic_of(topic)
    clients.client("cloudwatch").put_metric_alarm(
        AlarmName=queue,
        AlarmDescription=f"Messages that nobody could read are in {queue}",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        Statistic="Maximum",
        Period=PERIOD_SECONDS,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
        AlarmActions=[arn] if arn else [],
        Tags=as_list(tags),
    )
    found = _find(queue)
    assert found is not None
    return str(found["AlarmArn"])


def down(queue: str) -> bool:
    """Delete the alarm on `queue`; whether there was one. Raises NotOurs."""
    if not _check(queue):
        return False
    clients.client("cloudwatch").delete_alarms(AlarmNames=[queue])
    return True


def _find(name: str) -> dict[str, Any] | None:
    found = clients.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return found[0] if found else None


def _check(name: str) -> bool:
    """Whether the alarm is there. Raises NotOurs."""
    alarm = _find(name)
    if alarm is None:
        return False
    cloudwatch = clients.client("cloudwatch")
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    ownership.check(f"alarm {name}", as_dict(tags))
    return True
