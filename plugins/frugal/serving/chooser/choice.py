"""The comparison of all forms of serving, the cheapest open one, and where another one would win."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from frugal.serving.chooser.load import Load
from frugal.serving.chooser.option import Option
from frugal.serving.chooser.question import Question
from frugal.serving.chooser.strategies import STRATEGIES
from frugal.spec.refused import ALWAYS_ON
from frugal.spec.rule import refusal
from frugal.spec.traffic import MOST_REQUESTS_A_DAY

STEPS_A_DECADE = 8
NOTHING = "nothing is open"
ENOUGH_TO_ROLL = 2  # instances: rules ask for no more


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


def as_deployed(question: Question) -> Option:
    """The row of the strategy and size that model.yaml has, with the capacity that it has."""
    spec, deploy = question.spec, question.spec.deploy
    if deploy.strategy in ALWAYS_ON and deploy.autoscale is None:
        fixed = deploy.model_copy(update={"instances": deploy.instances or 1})
        question = replace(question, spec=spec.model_copy(update={"deploy": fixed}))
    rows = [row for row in _Comparison(question).options(1.0) if row.strategy == deploy.strategy]
    for row in rows:
        warm = "provisioned_concurrency" in row.settings
        if row.size == deploy.host or (
            deploy.host is None and warm == bool(deploy.provisioned_concurrency)
        ):
            return row
    return Option(deploy.strategy, str(deploy.host), how="a size that instances.yaml does not have")


class _Comparison:
    """The options of one question at any multiple of its traffic."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._refused: dict[tuple[str, frozenset[str], int], str | None] = {}

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

        A rule of AWS's says more than arithmetic, so it goes first. Rules look at what is set and whether it is
        enough for a rollout, so options that do not differ in that are asked for once.
        """
        spec = option.applied_to(self.question.spec)
        key = (option.name, frozenset(option.settings), min(spec.deploy.least, ENOUGH_TO_ROLL))
        if key not in self._refused:
            self._refused[key] = refusal(dict(spec))
        reason = self._refused[key]
        return replace(option, ruled_out=reason) if reason else option


def _rank(option: Option) -> tuple[bool, bool, float, str]:
    cost = inf if option.monthly is None else option.monthly
    return (option.ruled_out is not None, option.monthly is None, cost, option.name)


def _break_evens(comparison: _Comparison) -> list[str]:
    """One sentence for each span of requests a day with a winner of its own."""
    decades = len(str(MOST_REQUESTS_A_DAY)) - 1
    grid = {round(10 ** (step / STEPS_A_DECADE)) for step in range(decades * STEPS_A_DECADE + 1)}
    low, *points = sorted(grid | {max(1, round(comparison.question.traffic.requests_per_day))})
    sentences, start, winner = [], 0, comparison.winner(low)
    for high in points:
        goal = comparison.winner(high)
        while winner != goal:
            end = _last(comparison, winner, low, high)
            sentences.append(f"{_span(start, end)}: {winner or NOTHING}")
            low = start = end + 1
            winner = comparison.winner(low)
        low = high
    return [*sentences, f"{_span(start, None)}: {winner or NOTHING}"]


def _last(comparison: _Comparison, winner: str | None, low: int, high: int) -> int:
    """A number of requests a day, from `low` on and below `high`, at which `winner` wins and just above does not."""
    while high - low > 1:
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
