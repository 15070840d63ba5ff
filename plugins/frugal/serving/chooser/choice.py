"""The comparison of all forms of serving, the cheapest open one, and where another one would win."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from frugal.serving.chooser.load import Load
from frugal.serving.chooser.option import Option
from frugal.serving.chooser.question import Question
from frugal.serving.chooser.strategies import STRATEGIES
from frugal.spec.rule import refusal

MOST_REQUESTS_A_DAY = 10**9
STEPS_A_DECADE = 8


@dataclass(frozen=True)
class Choice:
    """`options` are all rows: open ones by cost, then unknown ones, then those ruled out.

    `break_evens` say between which requests a day which strategy is the cheapest, the traffic's shape being
    as it is.
    """

    options: Sequence[Option]
    break_evens: Sequence[str]

    @property
    def best(self) -> Option | None:
        """The cheapest open option, None when nothing is open."""
        return next((option for option in self.options if option.is_open), None)

    @property
    def runner_up(self) -> Option | None:
        """The cheapest open option of another strategy."""
        if self.best is None:
            return None
        others = (option for option in self.options if option.strategy != self.best.strategy)
        return next((option for option in others if option.is_open), None)


def choose(question: Question) -> Choice:
    """Compare every strategy on every instance; the same question has the same answer."""
    comparison = _Comparison(question)
    return Choice(comparison.options(1.0), _break_evens(comparison))


def cheapest(question: Question) -> Option | None:
    """The best option alone: quick enough to be asked while a DAG file is parsed."""
    best = _Comparison(question).options(1.0)[0]
    return best if best.is_open else None


class _Comparison:
    """The options of one question at any multiple of its traffic."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._refused: dict[str, str | None] = {}

    def options(self, scale: float) -> list[Option]:
        """All options, the best first."""
        load = Load.of(self.question.traffic, scale)
        found = (option for strategy in STRATEGIES for option in strategy(self.question, load))
        return sorted((self._allowed(option) for option in found), key=_rank)

    def winner(self, requests_a_day: int) -> str | None:
        """Name of the best option at so many requests a day; None when none is open."""
        best = self.options(requests_a_day / self.question.traffic.requests_per_day)[0]
        return best.name if best.is_open else None

    def _allowed(self, option: Option) -> Option:
        """The option, ruled out when model.yaml would be refused with it: one table holds AWS's rules.

        A rule of AWS's says more than arithmetic, so it goes first.
        """
        if option.name not in self._refused:
            self._refused[option.name] = refusal(dict(option.applied_to(self.question.spec)))
        reason = self._refused[option.name]
        return replace(option, ruled_out=reason) if reason else option


def _rank(option: Option) -> tuple[bool, bool, float, str]:
    cost = inf if option.monthly is None else option.monthly
    return (option.ruled_out is not None, option.monthly is None, cost, option.name)


def _break_evens(comparison: _Comparison) -> list[str]:
    """One sentence for each span of requests a day with a winner of its own."""
    decades = len(str(MOST_REQUESTS_A_DAY)) - 1
    grid = [round(10 ** (step / STEPS_A_DECADE)) for step in range(decades * STEPS_A_DECADE + 1)]
    spans: list[tuple[int, str | None]] = []
    before, winner = grid[0], comparison.winner(grid[0])
    for requests in sorted(set(grid))[1:]:
        found = comparison.winner(requests)
        if found != winner:
            spans.append((_last(comparison, winner, before, requests), winner))
            winner = found
        before = requests
    sentences, start = [], 0
    for end, name in spans:
        sentences.append(f"{_span(start, end)}: {name or 'nothing is open'}")
        start = end + 1
    return [*sentences, f"{_span(start, None)}: {winner or 'nothing is open'}"]


def _last(comparison: _Comparison, winner: str | None, low: int, high: int) -> int:
    """The last number of requests a day from `low` on, below `high`, at which `winner` wins."""
    while high - low > max(1, low // 1000):
        middle = (low + high) // 2
        if comparison.winner(middle) == winner:
            low = middle
        else:
            high = middle
    return low


def _span(start: int, end: int | None) -> str:
    if end is None:
        return f"from {start:,} requests a day" if start else "at any number of requests"
    return f"from {start:,} to {end:,} requests a day" if start else f"until {end:,} requests a day"
