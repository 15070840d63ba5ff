"""Where challenger and champion meet besides the test split: on what is recent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from frugal.spec.durations import Duration
from frugal.spec.rule import Finding, rule
from frugal.spec.section import Section

if TYPE_CHECKING:
    from frugal.spec.model import Data, Evaluate

TIMES = ("date", "datetime")


class Recent(Section):
    """The recent rows: captured requests whose ground truth has arrived or, without enough of them, the newest
    rows of the test split, which neither model was trained on.
    """

    window: Duration = Field(timedelta(days=30), description="captured requests of so long")
    date: str | None = Field(
        None, description="column by which rows are new; default: the first date or datetime"
    )
    share: float = Field(0.2, gt=0, le=1, description="of the test split's rows, the newest")
    min_rows: int = Field(200, ge=1, description="with fewer, the test split decides")


@rule("evaluate", "data")
def recent_rows_have_a_time(evaluate: Evaluate, data: Data) -> Iterator[Finding]:
    """Rows are new by a column that is one."""
    name, times = evaluate.recent.date, [n for n, c in data.columns.items() if c.type in TIMES]
    if name is not None and name not in times:
        allowed = ", ".join(times) or "leave it out"
        yield Finding("evaluate.recent.date", "no date or datetime column", name, allowed)
