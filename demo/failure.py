"""Why a run failed, in words: each failed task's reason, and the end of its log without Airflow's chatter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.home import REPOSITORY

NOISE = (
    "::group::",
    "::endgroup::",
    "gitwildmatch",
    "DagBag",
    "DAG bundles loaded",
    "Worker startup parse complete",
    "Found credentials",
    "Found endpoint",
)
LOG_LINES = 25
UNKNOWN = "its log names no error"


@dataclass(frozen=True)
class Failure:
    """One failed task: the first line of its exception, and its log as the API server serves it."""

    task: str
    attempt: int
    events: list[Any]

    @property
    def reason(self) -> str:
        """What the last error in the log says, on one line."""
        for event in reversed(self.events):
            if not isinstance(event, dict):
                continue
            if errors := event.get("error_detail"):
                text = str(errors[0].get("exc_value") or errors[0].get("exc_type"))
                return text.strip().partition("\n")[0]
            if event.get("level") in ("error", "critical"):
                return str(event["event"]).strip().partition("\n")[0]
        return UNKNOWN

    def __str__(self) -> str:
        lines = [line for event in self.events for line in text_of(event).splitlines()]
        return "\n".join([f"--- the end of its log, attempt {self.attempt}:", *tail(lines)])


def tail(lines: Iterable[str]) -> list[str]:
    """The last lines that say something."""
    return [line for line in lines if not any(word in line for word in NOISE)][-LOG_LINES:]


def text_of(event: Any) -> str:
    """One structured log event as text: of a traceback, this repository's frames and the last."""
    if not isinstance(event, dict):
        return str(event)
    line = " ".join(str(event[key]) for key in ("timestamp", "level", "event") if event.get(key))
    for error in event.get("error_detail") or []:
        frames = error.get("frames") or []
        where = [
            f"  {frame['filename']}:{frame['lineno']} in {frame['name']}"
            for frame in [*(frame for frame in frames[:-1] if is_ours(frame)), *frames[-1:]]
        ]
        line = "\n".join([line, *where, f"{error.get('exc_type')}: {error.get('exc_value')}"])
    return line


def is_ours(frame: dict[str, Any]) -> bool:
    """Whether a frame of a traceback is this repository's own code."""
    path = Path(frame["filename"])
    return path.is_relative_to(REPOSITORY) and "site-packages" not in path.parts
