"""Killing the local AWS loses nothing that was acknowledged and leaves no process behind."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.contract.waiting import await_true

from .conftest import (
    BUCKET,
    LocalAws,
    await_endpoint,
    await_training,
    make_config,
    training_request,
)


def test_sigkill_orphans_nothing_and_jobs_are_settled(
    mortal: LocalAws, name: str, tmp_path: Path
) -> None:
    server, sagemaker = mortal, mortal.client("sagemaker")
    make_config(server, name)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    for suffix, spot in (("spot", True), ("plain", False)):
        request = training_request(f"{name}-{suffix}", spot, until=str(tmp_path / "release"))
        sagemaker.create_training_job(**request)
        await_training(sagemaker, f"{name}-{suffix}", "Training")
    key = f"checkpoints/{name}-spot/round.json"
    s3 = server.client("s3")
    await_true(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"], "a checkpoint")
    await_true(lambda: len(server.processes()) >= 3, "a process of each")

    server.kill()
    await_true(lambda: not server.processes(), "every process to be gone")
    server.start()

    (tmp_path / "release").touch()
    runtime = server.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=name, Body="1,2", ContentType="text/csv")
    assert answer["Body"].read().decode() == f"{name}:3.0"
    plain = await_training(sagemaker, f"{name}-plain")
    assert plain["TrainingJobStatus"] == "Failed"
    assert plain["FailureReason"].startswith("InternalServerError")
    resumed = await_training(sagemaker, f"{name}-spot")
    assert resumed["TrainingJobStatus"] == "Completed"
    statuses = [entry["Status"] for entry in resumed["SecondaryStatusTransitions"]]
    assert "Interrupted" in statuses
    output = f"models/{name}-spot/output/output.tar.gz"
    assert s3.head_object(Bucket=BUCKET, Key=output)["ContentLength"]
    sagemaker.delete_endpoint(EndpointName=name)


def test_every_acknowledged_put_survives_sigkill(mortal: LocalAws) -> None:
    server = mortal
    acknowledged: list[int] = []

    def put() -> None:
        s3 = server.client("s3")
        for number in range(10_000):
            try:
                s3.put_object(
                    Bucket=BUCKET,
                    Key=f"n/{number}",
                    Body=str(number).encode() * 100,
                    Metadata={"my_number": str(number)},
                    Tagging=f"n={number}",
                )
            except Exception:
                return
            acknowledged.append(number)

    writer = threading.Thread(target=put)
    writer.start()
    await_true(lambda: len(acknowledged) > 50, "some objects")
    server.kill()
    writer.join()
    server.start()
    s3 = server.client("s3")
    for number in acknowledged:
        found = s3.get_object(Bucket=BUCKET, Key=f"n/{number}")
        assert found["Body"].read() == str(number).encode() * 100
        assert found["Metadata"] == {"my_number": str(number)}
    tags = s3.get_object_tagging(Bucket=BUCKET, Key=f"n/{acknowledged[-1]}")["TagSet"]
    assert tags == [{"Key": "n", "Value": str(acknowledged[-1])}]


def test_s3_configuration_versions_and_deletions_survive(mortal: LocalAws, name: str) -> None:
    server, s3 = mortal, mortal.client("s3")

    def files() -> set[Path]:
        return {path for path in (server.state / "s3" / "objects").rglob("*") if path.is_file()}

    before, kept, other = files(), f"{name}-kept", f"{name}-other"
    s3.create_bucket(Bucket=kept)
    s3.put_bucket_versioning(Bucket=kept, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": "x/"},
        "Expiration": {"Days": 3},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=kept, LifecycleConfiguration={"Rules": [rule]})
    versions = [
        s3.put_object(Bucket=kept, Key="v", Body=body)["VersionId"] for body in (b"1", b"2")
    ]
    s3.create_bucket(Bucket=other)
    for key in ("a", "b", "c"):
        s3.put_object(Bucket=other, Key=key, Body=key.encode())
    s3.delete_object(Bucket=other, Key="a")
    s3.delete_objects(Bucket=other, Delete={"Objects": [{"Key": "b"}]})
    s3.copy_object(Bucket=other, Key="d", CopySource={"Bucket": other, "Key": "c"})
    upload = s3.create_multipart_upload(Bucket=other, Key="big")["UploadId"]
    parts = []
    for number, content in ((1, b"x" * (5 << 20)), (2, b"tail")):
        part = s3.upload_part(
            Bucket=other, Key="big", UploadId=upload, PartNumber=number, Body=content
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(
        Bucket=other, Key="big", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    server.kill()
    server.start()
    s3 = server.client("s3")
    bodies = [
        s3.get_object(Bucket=kept, Key="v", VersionId=version)["Body"].read()
        for version in versions
    ]
    assert bodies == [b"1", b"2"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=kept)["Rules"]
    assert [r["ID"] for r in rules] == ["old"]
    listed = s3.list_objects_v2(Bucket=other)["Contents"]
    assert [(o["Key"], o["Size"]) for o in listed] == [("big", (5 << 20) + 4), ("c", 1), ("d", 1)]
    tail = s3.get_object(Bucket=other, Key="big", Range="bytes=-4")["Body"].read()
    assert tail == b"tail"
    assert len(files() - before) == 5


def test_messages_rules_and_roles_survive_sigkill_as_soon_as_they_are_acknowledged(
    mortal: LocalAws, name: str
) -> None:
    server = mortal
    sqs, events, iam, sns = (server.client(s) for s in ("sqs", "events", "iam", "sns"))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn, "Input": '"put"'}])
    event = {"Source": name, "DetailType": "Greeting", "Detail": "{}"}
    say: list[Callable[[], Any]] = [
        lambda: sqs.send_message(QueueUrl=queue, MessageBody="sent"),
        lambda: sns.publish(TopicArn=topic, Message="published"),
        lambda: events.put_events(Entries=[event]),
    ]
    for each in say:
        each()
        server.kill()
        server.start()
    received = [
        sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)["Messages"][0]["Body"]
        for _ in say
    ]
    assert {body for body in received if "published" not in body} == {"sent", '"put"'}
    assert len(set(received)) == 3
    assert events.describe_rule(Name=name)["State"] == "ENABLED"
    assert iam.get_role(RoleName=name)["Role"]["RoleName"] == name


def test_an_update_that_was_under_way_starts_over(mortal: LocalAws, name: str) -> None:
    server, sagemaker = mortal, mortal.client("sagemaker")
    make_config(server, name)
    make_config(server, f"{name}-bad", {"FAIL": "1"})
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    await_endpoint(sagemaker, name)
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-bad")
    server.kill()
    server.start()
    described = await_endpoint(sagemaker, name)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", name)
    assert "ping health check" in described["FailureReason"]
    runtime = server.client("sagemaker-runtime")
    assert runtime.invoke_endpoint(EndpointName=name, Body="1")["Body"].read()
    sagemaker.delete_endpoint(EndpointName=name)


def test_a_state_has_one_server(local_aws: LocalAws) -> None:
    server = local_aws
    second = subprocess.run(
        server.command(),
        env={**os.environ, "PYTHONPATH": str(server.repository / "include")},
        capture_output=True,
        text=True,
    )
    assert second.returncode == 2
    assert "already serves from" in second.stderr
    assert server.process is not None
    assert (server.state / "local-aws.pid").read_text() == f"{server.process.pid}\n"
