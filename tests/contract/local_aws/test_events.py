"""What AWS tells of itself, from the default bus to queues and topics, from plain boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.waiting import await_true

from .conftest import LocalAws, await_processing, processing_request

ACCOUNT = "123456789012"


@pytest.fixture
def make_queue(local_aws: LocalAws, name: str) -> Callable[[str], tuple[str, str]]:
    """Makes a queue; returns its URL and its ARN."""
    sqs = local_aws.client("sqs")

    def make(kind: str, **attributes: str) -> tuple[str, str]:
        url: str = sqs.create_queue(QueueName=f"{name}-{kind}", Attributes=attributes)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    return make


@pytest.fixture
def receive(local_aws: LocalAws) -> Callable[[str], Any]:
    """Takes the next message of a queue."""
    sqs = local_aws.client("sqs")

    def take(url: str, what: str = "an event") -> Any:
        def ask() -> Any:
            asked = {"QueueUrl": url, "MessageAttributeNames": ["All"], "WaitTimeSeconds": 1}
            return sqs.receive_message(**asked).get("Messages")

        (message,) = await_true(ask, what)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return message

    return take


def put_rule(local_aws: LocalAws, name: str, pattern: Any, *targets: dict[str, Any]) -> None:
    events = local_aws.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    numbered = [{"Id": f"t{number}", **target} for number, target in enumerate(targets)]
    failed = events.put_targets(Rule=name, Targets=numbered)["FailedEntryCount"]
    assert failed == 0


def test_a_job_s_event_reaches_queue_and_topic_or_the_dead_letter_queue(
    local_aws: LocalAws,
    sagemaker: Any,
    s3: Any,
    name: str,
    make_queue: Callable[[str], tuple[str, str]],
    receive: Callable[[str], Any],
) -> None:
    (queue, queue_arn), (mails, mails_arn) = make_queue("events"), make_queue("mails")
    dead, dead_arn = make_queue("dead")
    sns = local_aws.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mails_arn)
    gone = queue_arn.replace("-events", "-gone")
    ended = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Processing Job State Change"],
        "detail": {
            "ProcessingJobName": [{"prefix": name}],
            "ProcessingJobStatus": ["Completed"],
            "ExitMessage": [{"prefix": "CompletedWithViolations"}],
        },
    }
    put_rule(
        local_aws,
        name,
        ended,
        {"Arn": gone, "DeadLetterConfig": {"Arn": dead_arn}},
        {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:none"},
        {"Arn": topic},
        {"Arn": queue_arn},
    )
    for job, message in ((f"{name}-a", "All is well"), (f"{name}-b", "CompletedWithViolations: 2")):
        script = f'(base / "output").mkdir(exist_ok=True)\n(base / "output/message").write_text("{message}")'
        sagemaker.create_processing_job(**processing_request(s3, job, script))
        assert await_processing(sagemaker, job)["ProcessingJobStatus"] == "Completed"

    event = json.loads(receive(queue)["Body"])
    assert (event["source"], event["account"]) == ("aws.sagemaker", ACCOUNT)
    assert event["detail"]["ProcessingJobName"] == f"{name}-b"
    assert event["time"].endswith("Z")
    assert event["resources"] == [event["detail"]["ProcessingJobArn"]]
    assert json.loads(json.loads(receive(mails)["Body"])["Message"]) == event
    letter = receive(dead)
    assert json.loads(letter["Body"]) == event
    assert letter["MessageAttributes"]["TARGET_ARN"]["StringValue"] == gone


def test_targets_receive_what_they_ask_for_and_disabled_rules_nothing(
    local_aws: LocalAws,
    name: str,
    make_queue: Callable[[str], tuple[str, str]],
    receive: Callable[[str], Any],
) -> None:
    queues = [make_queue(kind) for kind in ("input", "path", "template", "off", "all")]
    arns = [arn for _, arn in queues]
    pattern = {"source": [name]}
    put_rule(local_aws, f"{name}-off", pattern, {"Arn": arns[3]})
    local_aws.client("events").disable_rule(Name=f"{name}-off")
    template = (
        '{"who": <who>, "said": "<who> has <count>", "all": <all>, "by": "<aws.events.rule-name>"}'
    )
    put_rule(
        local_aws,
        name,
        pattern,
        {"Arn": arns[0], "Input": '"hello"'},
        {"Arn": arns[1], "InputPath": "$.detail.count"},
        {
            "Arn": arns[2],
            "InputTransformer": {
                "InputPathsMap": {
                    "who": "$.detail.who",
                    "count": "$.detail.count",
                    "all": "$.detail",
                },
                "InputTemplate": template,
            },
        },
        {"Arn": arns[4]},
    )
    detail = {"who": 'Al "the" cat', "count": 3}
    entry = {"Source": name, "DetailType": "Greeting", "Detail": json.dumps(detail)}
    local_aws.client("events").put_events(Entries=[entry])
    bodies = [json.loads(receive(url)["Body"]) for url, _ in queues if "-off" not in url]
    assert bodies[:2] == ["hello", 3]
    assert bodies[2] == {
        "who": detail["who"],
        "said": f"{detail['who']} has 3",
        "all": detail,
        "by": name,
    }
    assert bodies[3]["detail"] == detail
    off = local_aws.client("sqs").receive_message(QueueUrl=queues[3][0])
    assert "Messages" not in off


def test_a_message_that_nobody_deletes_goes_to_the_queue_s_dead_letter_queue(
    local_aws: LocalAws,
    name: str,
    make_queue: Callable[..., tuple[str, str]],
    receive: Callable[[str], Any],
) -> None:
    dead, dead_arn = make_queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    queue, arn = make_queue("events", RedrivePolicy=redrive, VisibilityTimeout="0")
    put_rule(local_aws, name, {"source": [name]}, {"Arn": arn})
    entry = {"Source": name, "DetailType": "Greeting", "Detail": "{}"}
    local_aws.client("events").put_events(Entries=[entry])
    sqs = local_aws.client("sqs")

    def ask() -> Any:
        sqs.receive_message(QueueUrl=queue)
        return sqs.receive_message(QueueUrl=dead).get("Messages")

    (letter,) = await_true(ask, "the dead letter")
    assert json.loads(letter["Body"])["source"] == name


def test_rules_and_their_targets_survive_a_restart(mortal: LocalAws, name: str) -> None:
    local = mortal
    url = local.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    put_rule(local, name, {"source": [name]}, {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"})
    local.stop()
    local.start()
    entry = {"Source": name, "DetailType": "Greeting", "Detail": "{}"}
    local.client("events").put_events(Entries=[entry])
    sqs = local.client("sqs")
    assert await_true(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "an event")
