"""What S3 takes in a lifecycle rule, and what the rest of a model.yaml needs to be kept."""

from __future__ import annotations

from collections.abc import Iterator

from frugal.spec.monitor import Monitor
from frugal.spec.retention import DAY, Retention
from frugal.spec.rule import Finding, rule

#: S3 moves nothing younger to STANDARD_IA ("Constraints and considerations for transitions", S3 User Guide).
YOUNGEST = {"STANDARD_IA": 30 * DAY}


@rule("retention")
def ages_are_whole_days(retention: Retention) -> Iterator[Finding]:
    """S3 counts a lifecycle rule's age in days."""
    ages = {
        "captured": retention.captured,
        "watched": retention.watched,
        "answers": retention.answers,
        "checkpoints": retention.checkpoints,
        "unreferenced": retention.unreferenced,
        "uploads": retention.uploads,
        "noncurrent.after": retention.noncurrent.after,
    }
    ages |= {f"transitions.{place}.after": t.after for place, t in retention.transitions.items()}
    for name, age in ages.items():
        if age % DAY:
            yield Finding(f"retention.{name}", "S3 counts days", age, "whole days, such as 30d")


@rule("retention")
def transitions_are_taken_by_s3(retention: Retention) -> Iterator[Finding]:
    """A move comes after the class's youngest age and before the end."""
    for place, transition in retention.transitions.items():
        key = f"retention.transitions.{place}.after"
        youngest = YOUNGEST.get(transition.storage_class)
        if youngest is not None and transition.after < youngest:
            problem = (
                f"S3 moves nothing younger than {youngest.days}d to {transition.storage_class}"
            )
            yield Finding(key, problem, transition.after, f"{youngest.days}d or more")
        expiry = retention.expiry(place)
        if expiry is not None and transition.after >= expiry:
            problem = f"what lies in {place} is gone by then"
            yield Finding(key, problem, transition.after, f"less than {expiry.days}d")


@rule("retention")
def checkpoints_are_gone_before_runs_move(retention: Retention) -> Iterator[Finding]:
    """A class bills 30 or 90 days at least, and checkpoints lie among what a run leaves."""
    moved = retention.transitions.get("runs")
    if moved is not None and moved.after <= retention.checkpoints:
        yield Finding(
            "retention.transitions.runs.after",
            "checkpoints would be moved first and removed then, at the price of both",
            moved.after,
            f"more than retention.checkpoints ({retention.checkpoints.days}d)",
        )


@rule("retention", "monitor")
def captured_outlasts_a_window(retention: Retention, monitor: Monitor) -> Iterator[Finding]:
    """The window that is watched next, and the one before it, are read as they were captured."""
    least = 2 * monitor.window
    if monitor.schedule is not None and retention.captured < least:
        yield Finding(
            "retention.captured",
            "traffic would go before it was watched",
            retention.captured,
            f"{-(-least // DAY)}d or more, two of monitor.window",
        )
