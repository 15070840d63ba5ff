"""What the gate decided and what came of it, in S3, so that acting twice on one window does nothing.

    <model>/monitor/<window>/decision.json   written once, by whoever comes first
    <model>/monitor/<window>/outcome.json    what was done about a decision that asks for something

A decision without its outcome is open: whoever finds it acts on it, under a DAG run id that the window gives, which
Airflow takes once. When a decision was made is S3's word, not that of the worker's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from frugal.aws import clients, windows
from frugal.aws.run import Run
from frugal.retraining.gate import Decision

DECISION, OUTCOME = "decision.json", "outcome.json"
ASKING = ("retrain", "ask")
AT_ONCE = 10  # connections of a boto3 client


@dataclass(frozen=True)
class Records:
    """A model's windows by name: what was found, decided and done, and when it was decided."""

    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    decided: dict[str, datetime] = field(default_factory=dict)

    @property
    def open(self) -> list[str]:
        """Windows whose decision nobody acted on yet, newest first."""
        asking = [window for window, found in self.decisions.items() if found["action"] in ASKING]
        return sorted((window for window in asking if window not in self.outcomes), reverse=True)

    @property
    def undecided(self) -> list[str]:
        """Windows that drifted and that nobody decided on yet, newest first."""
        drifted = [w for w, found in self.verdicts.items() if found["verdict"] == "drift"]
        return sorted((w for w in drifted if w not in self.decisions), reverse=True)

    @property
    def retrained(self) -> dict[str, datetime]:
        """When it was decided, by the window, of every retraining that began or is about to."""
        return {window: self.decided[window] for window in self._asking(started=True)}

    @property
    def refused(self) -> dict[str, datetime]:
        """When it was decided, by the window, to ask somebody who then said no, or nothing."""
        said_no = self._asking(started=False)
        return {w: self.decided[w] for w in said_no if self.outcomes[w].get("refused")}

    def _asking(self, *, started: bool) -> list[str]:
        return [
            window
            for window, found in self.decisions.items()
            if found["action"] in ASKING
            and self.outcomes.get(window, {}).get("started", True) is started
        ]


def aws_now(run: Run) -> datetime:
    """What time it is for AWS, to the second: a worker's clock may be wrong, or be put right, between two decisions."""
    answer = clients.client("s3").head_bucket(Bucket=run.bucket)
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).astimezone(UTC)


def read(run: Run, since: datetime, now: datetime) -> Records:
    """The records of windows that begin between `since` and `now`; verdicts of those that are not decided.

    What is no window is left out. A verdict that cannot be read is unknown, and a decision that cannot be read holds: a
    broken document is to stop nothing but its own window.
    """
    root = f"{run.s3(windows.MONITOR)}/"
    prefix = clients.split_uri(root)[1]
    places: dict[str, dict[str, datetime]] = {}
    for key, item in clients.list_objects(root).items():
        name, _, document = key.removeprefix(prefix).partition("/")
        if _begins(name, since, now):
            places.setdefault(name, {})[document] = item["LastModified"]
    decided = {w: there[DECISION] for w, there in places.items() if DECISION in there}
    undecided = [w for w, there in places.items() if windows.VERDICT in there and w not in decided]
    concluded = [window for window, there in places.items() if OUTCOME in there]
    return Records(
        verdicts=_documents(run, undecided, windows.VERDICT, _unknown),
        decisions=_documents(run, decided, DECISION, _held),
        outcomes=_documents(run, concluded, OUTCOME, lambda window, why: {"started": True}),
        decided=decided,
    )


def _begins(name: str, since: datetime, now: datetime) -> bool:
    try:
        return since <= windows.Window.parse(name).start <= now
    except ValueError:
        return False


def _documents(
    run: Run, names: Iterable[str], document: str, broken: Callable[[str, str], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By window; one that is gone meanwhile is left out, and one that is `broken` replaced."""
    needed = {windows.VERDICT: "verdict", DECISION: "action", OUTCOME: "started"}[document]

    def one(window: str) -> dict[str, Any] | None:
        try:
            found: Any = clients.read_json(windows.place(run, window, document))
        except ValueError as error:
            return broken(window, f"{document} cannot be read: {error}")
        if found is None or (isinstance(found, dict) and needed in found):
            return found
        return broken(window, f"{document} says nothing of {needed}")

    listed = sorted(names)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = zip(listed, pool.map(one, listed), strict=True)
        return {window: one_found for window, one_found in found if one_found is not None}


def _unknown(window: str, why: str) -> dict[str, Any]:
    return {"verdict": "unknown", "reason": why}


def _held(window: str, why: str) -> dict[str, Any]:
    return {"window": window, "action": "hold", "why": why, "reasons": []}


def record(run: Run, decision: Decision) -> dict[str, Any]:
    """Keep the decision, unless its window has one: then that stands. Returns the one that stands."""
    uri = windows.place(run, decision.window, DECISION)
    document = decision.as_json()
    return document if write_once(uri, document) else (clients.read_json(uri) or document)


def conclude(run: Run, window: str, *, started: bool, note: str, refused: bool = False) -> None:
    """Keep what came of a decision; the first answer stands. `refused`: somebody was asked, and did not approve."""
    document = {"window": window, "started": started, "note": note, "refused": refused}
    write_once(windows.place(run, window, OUTCOME), document)


def write_once(uri: str, document: Any) -> bool:
    """Write `document` unless something is there; whether it was written. S3 lets one of two writers win."""
    s3 = clients.client("s3")
    bucket, key = clients.split_uri(uri)
    body = json.dumps(document, indent=2).encode()
    try:
        s3.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*"
        )
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in (
            "PreconditionFailed",
            "ConditionalRequestConflict",
        ):
            raise
        return False
    return True
