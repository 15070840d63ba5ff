"""Posts the report of a night through Airflow's notifiers, to whoever is set up to hear of it.

    SNS      the topic of FRUGAL_ALERT_TOPIC, by the AWS connection
    e-mail   the connection `frugal_report_smtp`; its extra names who: {"to": "team@example.com", "from_email": ...}
    Slack    the connection `frugal_report_slack`, an incoming webhook

Neither connection nor topic: nobody is told, and that is fine. A connection whose provider is not installed, or that
does not answer, is said so in the log and in what `post` returns: the night's work was done, whoever hears of it.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Mapping
from typing import Any

from frugal.aws.settings import Settings
from frugal.cleanup.report import Report
from frugal.cleanup.report_text import subject, text

log = logging.getLogger(__name__)

SMTP, SLACK = "frugal_report_smtp", "frugal_report_slack"
SUBJECT_LENGTH = 99  # SNS, Publish: ASCII, less than 100 characters
SLACK_LENGTH = 35_000  # of 40,000, chat.postMessage's limit
SNS_LENGTH = 200_000  # of 256 KiB
Build = Callable[[Report, Any], Any]


class NotSetUp(RuntimeError):
    """A connection cannot be used; the message says what it lacks."""


def post(report: Report, context: Mapping[str, Any]) -> dict[str, str]:
    """Post it everywhere that is set up: by channel "sent", or why it could not be. Empty when nothing is set up."""
    told: dict[str, str] = {}
    for channel, (find, build) in CHANNELS.items():
        try:
            setting = find()
            if setting is None:
                continue
            build(report, setting).notify(context)
            told[channel] = "sent"
        except ModuleNotFoundError as error:
            told[channel] = f"the provider is not installed: {error.name}"
        except Exception as error:
            told[channel] = f"{type(error).__name__}: {error}"
        if told[channel] != "sent":
            log.error(
                "The report of %s did not go out by %s: %s", report.run, channel, told[channel]
            )
    return told


def _connection(conn_id: str) -> Callable[[], Any]:
    def find() -> Any:
        from airflow.sdk.bases.hook import BaseHook
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            return BaseHook.get_connection(conn_id)
        except AirflowNotFoundException:
            return None

    return find


def _topic() -> str | None:
    return Settings.load().alert_topic


def _sns(report: Report, topic: str) -> Any:
    from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

    return SnsNotifier(
        aws_conn_id=Settings.load().conn_id,
        region_name=topic.split(":")[3],
        target_arn=topic,
        subject=subject(report)[:SUBJECT_LENGTH],
        message=text(report)[:SNS_LENGTH],
    )


def _smtp(report: Report, connection: Any) -> Any:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    extra = connection.extra_dejson
    for name in ("to", "from_email"):
        if not extra.get(name):
            raise NotSetUp(f"the extra of the connection {SMTP} names no {name!r}")
    return SmtpNotifier(
        smtp_conn_id=SMTP,
        to=extra["to"],
        from_email=extra["from_email"],
        subject=subject(report),
        html_content=f"<pre>{html.escape(text(report))}</pre>",
    )


def _slack(report: Report, connection: Any) -> Any:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    return SlackWebhookNotifier(slack_webhook_conn_id=SLACK, text=text(report)[:SLACK_LENGTH])


#: By channel: what says that it is set up, and the notifier for that.
CHANNELS: dict[str, tuple[Callable[[], Any], Build]] = {
    "sns": (_topic, _sns),
    "e-mail": (_connection(SMTP), _smtp),
    "slack": (_connection(SLACK), _slack),
}
