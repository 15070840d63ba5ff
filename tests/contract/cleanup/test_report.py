"""What people hear of a night: its rows beside the ledger, and the message that goes out."""

from __future__ import annotations

import io
import json
import socketserver
import sys
import threading
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from frugal.aws import clients
from frugal.cleanup.night import here
from frugal.cleanup.notify import SMTP, post
from frugal.cleanup.outcome import Done, Outcome
from frugal.cleanup.plan import Item, Plan, Verdict
from frugal.cleanup.report import Report
from frugal.cleanup.report_parquet import write
from frugal.cleanup.report_text import subject, text
from frugal.cleanup.resource import Resource

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


def item(
    name: str, verdict: Verdict, monthly: float | None = 10.0, owner: str | None = "growth"
) -> Item:
    tags = {"frugal:owner": owner} if owner else {}
    resource = Resource("endpoint", name, "us-east-1", f"arn:{name}", NOW, "InService", tags)
    due = NOW + timedelta(days=3) if verdict in (Verdict.MARK, Verdict.WAIT) else None
    return Item(resource, "idle", "delete", verdict, "nobody asked", due, monthly)


ITEMS = {
    "gone": item("gone", Verdict.ACT, 100.0),
    "asked": item("asked", Verdict.ACT, 30.0),
    "stuck": item("stuck", Verdict.ACT, 7.0, owner="pricing"),
    "vanished": item("vanished", Verdict.ACT, 50.0),
    "new": item("new", Verdict.MARK, 20.0),
    "dear": item("dear", Verdict.WAIT, None),
    "kept": item("kept", Verdict.SPARE, 40.0),
    "theirs": item("theirs", Verdict.REPORT, 5.0, owner=None),
}
OUTCOMES = [
    Done(ITEMS["gone"], Outcome.DONE, "nobody asked", ("endpoint gone",), "endpoint-1-delete"),
    Done(ITEMS["asked"], Outcome.SPARED, "3 requests in 14 days"),
    Done(ITEMS["stuck"], Outcome.FAILED, "AccessDenied"),
    Done(ITEMS["vanished"], Outcome.GONE, "it went before the sweep came to it"),
]


def report(done: list[Done] | None = None) -> Report:
    plan = Plan(
        "us-east-1",
        NOW,
        tuple(ITEMS.values()),
        looked={"endpoint": 12},
        unseen={"model": "could not be listed: no"},
        exceeded=("8 actions, and the cap is 5",),
    )
    return Report.of(
        [plan],
        OUTCOMES if done is None else done,
        run="night",
        at=NOW,
        environment="dev",
        dry_run=done == [],
        simulated=True,
    )


def test_dollars_are_freed_leak_or_are_spared_by_owner() -> None:
    made = report()
    assert (made.totals.freed.usd, made.totals.leaking.usd, made.totals.spared.usd) == (100, 32, 70)
    assert made.totals.leaking.unpriced == 1, "an unknown price is not 0"
    assert list(made.by_owner) == ["growth", "pricing", "unknown"], "who leaks most is first"
    assert made.by_owner["unknown"].leaking.usd == 5
    assert "vanished" not in {row.name for row in made.rows}, "nobody saved that"
    document = json.loads(json.dumps(made.as_json()))
    assert document["totals"]["freed"] == {"usd": 100.0, "unpriced": 0}
    assert document["owners"]["pricing"]["leaking"]["usd"] == 7


def test_nothing_is_freed_in_a_dry_run() -> None:
    made = report(done=[])
    assert made.totals.freed.usd == 0
    assert {row.name for row in made.of_state("proposed")} == {"gone", "asked", "stuck", "vanished"}
    assert "A dry run" in text(made)
    assert subject(made).startswith("Cleanup of dev (dry run): 0.00 USD a month freed, 212.00")


def test_people_read_what_was_done_spared_and_why() -> None:
    shown = text(report())
    assert "USD a month: 100.00 freed, 32.00 and 1 at unknown prices still leaking, 70.00" in shown
    assert "| growth | 100.00 | 20.00 and 1 at unknown prices | 70.00 |" in shown
    assert "`frugal restore endpoint-1-delete` brings it back" in shown
    assert "`asked` in us-east-1, growth, 30.00 USD a month: delete by idle: 3 requests" in shown
    assert "AccessDenied" in shown
    assert "unknown USD a month: delete by idle, due 2026-11-25 03:00" in shown
    assert "Not all was seen of model in us-east-1: could not be listed: no" in shown
    assert "Above a cap, so that somebody has to approve: us-east-1: 8 actions" in shown
    assert "Simulated" in shown


def test_what_an_interrupted_night_left_is_reported_with_the_next() -> None:
    left = Done(item("left", Verdict.ACT, 9.0), Outcome.DONE, "", (), "endpoint-2-delete")
    assert report(done=[left]).totals.freed.usd == 9


def test_long_reports_are_cut_and_say_so() -> None:
    plan = Plan("us-east-1", NOW, tuple(item(f"e{n}", Verdict.MARK) for n in range(40)))
    made = Report.of([plan], [], run="r", at=NOW, environment="dev", dry_run=False, simulated=False)
    assert "## Marked tonight: 40" in text(made)
    assert "- and 10 more" in text(made)


@pytest.fixture
def no_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is set up to hear of anything."""
    monkeypatch.delenv("FRUGAL_ALERT_TOPIC", raising=False)


def test_rows_lie_beside_the_ledger(
    aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRUGAL_BUCKET", "reports")
    s3 = clients.client("s3")
    s3.create_bucket(Bucket="reports")
    for _ in range(2):
        uri = write(here(), report())
    assert uri == "s3://reports/ledger/cleanup/date=2026-11-22/night.parquet"
    assert list(clients.list_objects("s3://reports/ledger/")) == [uri.partition("reports/")[2]]
    body = s3.get_object(Bucket="reports", Key=uri.partition("reports/")[2])["Body"].read()
    rows = {row["name"]: row for row in pq.read_table(io.BytesIO(body)).to_pylist()}
    assert rows["gone"]["freed_usd"] == 100.0
    assert rows["new"]["leaking_usd"] == 20.0
    assert rows["new"]["due"] == NOW + timedelta(days=3)
    assert rows["dear"]["leaking_usd"] is None, "unknown is not 0"
    assert rows["kept"]["freed_usd"] == rows["kept"]["leaking_usd"] == 0
    assert rows["theirs"]["owner"] == "unknown"
    assert rows["gone"]["simulated"] is True


def test_nobody_is_told_when_nothing_is_set_up(no_channel: None) -> None:
    assert post(report(), {}) == {}


def test_sns_hears_of_it(
    aws_environment: dict[str, str], no_channel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sns, sqs = clients.client("sns"), clients.client("sqs")
    topic = sns.create_topic(Name="cleanup-reports")["TopicArn"]
    queue = sqs.create_queue(QueueName="cleanup-reports")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = attributes["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    monkeypatch.setenv("FRUGAL_ALERT_TOPIC", topic)
    assert post(report(), {}) == {"sns": "sent"}
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    body = json.loads(message["Body"])
    assert body["Subject"] == subject(report())
    assert body["Message"] == text(report())


class Mail(socketserver.StreamRequestHandler):
    """Just enough of an SMTP server to take a message."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            verb = line.strip().upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while (part := self.rfile.readline()).rstrip() != b".":
                    self.server.received.append(part)  # type: ignore[attr-defined]
            if verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 fine\r\n")


def test_mail_goes_to_whom_the_connection_names(
    no_channel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as server:
        server.daemon_threads = True
        received: list[bytes] = []
        server.received = received  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        connection = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": server.server_address[1],
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "us@example.com"},
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{SMTP.upper()}", json.dumps(connection))
        [problem] = post(report(), {}).values()
        assert problem == f"NotSetUp: the extra of the connection {SMTP} names no 'to'"
        connection["extra"]["to"] = "team@example.com"  # type: ignore[index]
        monkeypatch.setenv(f"AIRFLOW_CONN_{SMTP.upper()}", json.dumps(connection))
        assert post(report(), {}) == {"e-mail": "sent"}
        server.shutdown()
    message = b"".join(received).decode()
    assert "To: team@example.com" in message
    assert "100.00 USD a month freed" in message


def test_a_provider_that_is_missing_is_named(
    no_channel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FRUGAL_REPORT_SLACK", "slackwebhook://:token@")
    monkeypatch.setitem(sys.modules, "airflow.providers.slack", None)
    told = post(report(), {})
    assert told["slack"].startswith("the provider is not installed: airflow.providers.slack")
