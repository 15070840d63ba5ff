"""The tag `frugal:keep`: what carries it stays, whatever a rule says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from frugal.cleanup.resource import KEEP, Resource


def kept(resource: Resource, now: datetime) -> str | None:
    """Why it stays; None when it carries no such tag, or one whose time is over.

    `2026-12-31` keeps it to the end of that day, UTC; a time in ISO 8601 until then; any other value for good.
    """
    value = resource.tags.get(KEEP)
    if value is None:
        return None
    until = _until(value)
    if until is None:
        return f"{KEEP}={value}" if value else f"tagged {KEEP}"
    return f"kept until {value}" if now < until else None


def _until(value: str) -> datetime | None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        pass
    else:
        return datetime.combine(day + timedelta(days=1), time(), UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
