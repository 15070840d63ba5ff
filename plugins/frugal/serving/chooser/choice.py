"""The comparison of all forms of serving, the cheapest open one, and where another one would win."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from frugal.serving.chooser.load import Load
from frugal.serving.chooser.option import Option
from frugal.serving.chooser.question import Question
from frugal.serving.chooser.strategies import STRATEGIES

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
    return Choice(_options(question, 1.0), _break_evens(question))


def _options(question: Question, scale: float) -> list[Option]:
    load = Load.of(question.traffic, scale)
    options = [option for strategy in STRATEGIES for option in strategy(question, load)]
    return sorted(options, key=_rank)


def _rank(option: Option) -> tuple[bool, bool, float, str]:
    cost = inf if option.monthly is None else option.monthly
    return (option.ruled_out is not None, option.monthly is None, cost, option.name)


def _break_evens(question: Question) -> list[str]:
    """One sentence for each span of requests a day with a winner of its own."""
    if question.traffic.requests_per_day == 0:
        question = replace(
            question, traffic=question.traffic.model_copy(update={"requests_per_day": 1.0})
        )
    decades = len(str(MOST_REQUESTS_A_DAY)) - 1
    grid = [round(10 ** (step / STEPS_A_DECADE)) for step in range(decades * STEPS_A_DECADE + 1)]
    spans: list[tuple[int, str | None]] = []
    before, winner = grid[0], _winner(question, grid[0])
    for requests in sorted(set(grid))[1:]:
        found = _winner(question, requests)
        if found != winner:
            spans.append((_last(question, winner, before, requests), winner))
            winner = found
        before = requests
    sentences, start = [], 0
    for end, name in spans:
        sentences.append(f"{_span(start, end)}: {name or 'nothing is open'}")
        start = end + 1
    return [*sentences, f"{_span(start, None)}: {winner or 'nothing is open'}"]


def _winner(question: Question, requests_a_day: int) -> str | None:
    scale = requests_a_day / question.traffic.requests_per_day
    best = _options(question, scale)[0]
    return best.name if best.is_open else None


def _last(question: Question, winner: str | None, low: int, high: int) -> int:
    """The last number of requests a day from `low` on, below `high`, at which `winner` wins."""
    while high - low > max(1, low // 1000):
        middle = (low + high) // 2
        if _winner(question, middle) == winner:
            low = middle
        else:
            high = middle
    return low


def _span(start: int, end: int | None) -> str:
    if end is None:
        return f"from {start:,} requests a day" if start else "at any number of requests"
    return f"from {start:,} to {end:,} requests a day" if start else f"until {end:,} requests a day"
