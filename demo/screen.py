"""The run on the terminal: a live table, or one plain line a change when nobody is there to look."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from demo.watch import Line

STYLES = {
    "success": "green",
    "running": "cyan",
    "failed": "bold red",
    "upstream_failed": "red",
    "skipped": "dim",
    "up_for_retry": "yellow",
}
SOON = ("waiting", "scheduled", "queued")
WIDTH = 100


class Screen:
    """A context manager whose `show` takes every look at the run."""

    def __init__(self, console: Console, title: str) -> None:
        self.console = console
        self.title = title
        self._started = time.monotonic()
        self._shown: dict[str, str] = {}
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Screen:
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.__exit__(kind, error, trace)

    def show(self, lines: list[Line]) -> None:
        """Draw the table, or print what changed."""
        if self._live:
            self._live.update(self._table(lines), refresh=True)
            return
        for line in lines:
            known = f"{line.state} {line.detail}".strip()
            again = line.task in self._shown and known == "running"
            if line.state not in SOON and not again and self._shown.get(line.task) != known:
                self._shown[line.task] = known
                elapsed = time.monotonic() - self._started
                text = f"{elapsed:6.1f} s  {line.task:<15} {known}  {price(line)}"
                self.console.print(text.rstrip(), markup=False, highlight=False, soft_wrap=True)

    def _table(self, lines: list[Line]) -> Table:
        elapsed = time.monotonic() - self._started
        known = [line.cost for line in lines if line.cost is not None]
        table = Table(
            title=self.title,
            title_justify="left",
            caption=f"{elapsed:.0f} s, {money(sum(known))} so far, simulated",
            caption_justify="left",
        )
        table.add_column("stage", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("seconds", justify="right")
        table.add_column("cost", justify="right")
        table.add_column("", overflow="ellipsis", no_wrap=True)
        for line in lines:
            style = STYLES.get(line.state, "dim")
            seconds = "" if line.seconds is None else f"{line.seconds:.1f}"
            state = f"[{style}]{line.state}[/]"
            table.add_row(line.task, state, seconds, price(line), f"[dim]{line.detail}[/]")
        return table


def console() -> Console:
    """The terminal, or a page of fixed width when the output goes elsewhere."""
    made = Console()
    return made if made.is_terminal else Console(width=WIDTH)


def price(line: Line) -> str:
    """What a line cost; a running spot job's is an upper bound."""
    return f"{'≤ ' if line.at_most and line.cost else ''}{money(line.cost)}"


def money(amount: float | None) -> str:
    """US dollars to a thousandth of a cent; nothing when unknown."""
    return "" if amount is None else f"${amount:.5f}"
