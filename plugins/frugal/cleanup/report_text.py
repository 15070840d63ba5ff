"""The report of a night in Markdown: for a mail, a chat, a log."""

from __future__ import annotations

from collections.abc import Iterator

from frugal.cleanup.report import (
    DONE,
    FAILED,
    MARKED,
    PROPOSED,
    REPORTED,
    SPARED,
    STATES,
    WAITING,
    Report,
    Row,
)

HEADINGS = {
    DONE: "Done",
    FAILED: "Failed",
    PROPOSED: "Due, and not done",
    MARKED: "Marked tonight",
    WAITING: "Waiting for the end of their grace",
    SPARED: "Spared",
    REPORTED: "Somebody else's",
}
LINES = 30  # of a heading


def text(report: Report, lines: int = LINES) -> str:
    """The whole report; under each heading the `lines` dearest things, and how many more there are."""
    return "\n".join(_parts(report, lines))


def subject(report: Report) -> str:
    """One line about it."""
    totals = report.totals
    dry = " (dry run)" if report.dry_run else ""
    return (
        f"Cleanup of {report.environment}{dry}: {totals.freed.usd:,.2f} USD a month freed, "
        f"{totals.leaking.usd:,.2f} leaking"
    )


def _parts(report: Report, lines: int) -> Iterator[str]:
    totals = report.totals
    yield f"# Cleanup of {report.environment}, {report.at:%Y-%m-%d %H:%M} UTC"
    yield ""
    if report.dry_run:
        yield "A dry run: nothing was marked or done."
    yield f"Looked at {sum(report.looked.values()):,} things, {len(report.rows):,} of them found by rules."
    yield f"USD a month: {totals.freed} freed, {totals.leaking} still leaking, {totals.spared} spared."
    if report.simulated:
        yield "Simulated: a local AWS, no bill."
    for cap in report.exceeded:
        yield f"Above a cap, so that somebody has to approve: {cap}."
    for kind, why in report.unseen.items():
        yield f"Not all was seen of {kind}: {why}."
    if report.rows:
        yield ""
        yield "| owner | freed | leaking | spared |"
        yield "|---|---:|---:|---:|"
        for owner, money in report.by_owner.items():
            yield f"| {owner} | {money.freed} | {money.leaking} | {money.spared} |"
    for state in STATES:
        rows = report.of_state(state)
        if not rows:
            continue
        yield ""
        yield f"## {HEADINGS[state]}: {len(rows)}"
        yield ""
        yield from (_line(row) for row in rows[:lines])
        if len(rows) > lines:
            yield f"- and {len(rows) - lines} more"


def _line(row: Row) -> str:
    price = "unknown" if row.monthly is None else f"{row.monthly:,.2f}"
    until = f", due {row.due:%Y-%m-%d %H:%M}" if row.due and row.state in (MARKED, WAITING) else ""
    back = f"; `frugal restore {row.recipe}` brings it back" if row.recipe else ""
    return (
        f"- {row.kind} `{row.name}` in {row.region}, {row.owner}, {price} USD a month: "
        f"{row.action} by {row.rule}{until}: {row.reason}{back}"
    )
