"""What the gate decided and what came of it, in S3, so that acting twice on one window does nothing.

    <model>/monitor/<window>/decision.json   written once, by whoever comes first
    <model>/monitor/<window>/outcome.json    what was done about a decision that asks for something

A decision without its outcome is open: whoever finds it acts on it, under a DAG run id that the window gives, which
Airflow takes once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from frugal.aws import clients, windows
from frugal.aws.run import Run
from frugal.retraining.gate import Decision

DECISION, OUTCOME = "decision.json", "outcome.json"
ASKING = ("retrain", "ask")


@dataclass(frozen=True)
class Records:
    """A model's windows by name: what was found, decided and done."""

    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)

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
        return {
            window: datetime.fromisoformat(found["at"])
            for window, found in self.decisions.items()
            if found["action"] in ASKING and self.outcomes.get(window, {}).get("started", True)
        }


def read(run: Run, since: str) -> Records:
    """The records of windows that begin with or after the name `since`."""
    root = f"{run.s3(windows.MONITOR)}/"
    prefix = clients.split_uri(root)[1]
    found = Records()
    kinds = {
        windows.VERDICT: found.verdicts,
        DECISION: found.decisions,
        OUTCOME: found.outcomes,
    }
    for key in clients.list_objects(root):
        window, _, name = key.removeprefix(prefix).partition("/")
        if name in kinds and window >= since:
            document = clients.read_json(f"s3://{run.bucket}/{key}")
            if document is not None:
                kinds[name][window] = document
    return found


def record(run: Run, decision: Decision) -> dict[str, Any]:
    """Keep the decision, unless its window has one: then that stands. Returns the one that stands."""
    uri = windows.place(run, decision.window, DECISION)
    document = decision.as_json()
    return document if write_once(uri, document) else (clients.read_json(uri) or document)


def conclude(run: Run, window: str, *, started: bool, note: str) -> None:
    """Keep what came of a decision; the first answer stands."""
    document = {"window": window, "started": started, "note": note}
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
