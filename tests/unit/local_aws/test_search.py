"""Search spaces, strategies and early stopping of tuning jobs."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from local_aws.execution.early_stopping import hopeless
from local_aws.execution.search import STRATEGIES, Trial, Values
from local_aws.execution.search_space import Dimension, dimensions

SPACE = dimensions(
    {
        "ContinuousParameterRanges": [
            {"Name": "x", "MinValue": "0", "MaxValue": "1"},
            {"Name": "rate", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Auto"},
        ],
        "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b", "c"]}],
    }
)


def score(values: Values) -> float:
    """Best, 0, at x = 0.3, rate = 0.01, kind = b."""
    far = abs(float(values["x"]) - 0.3) + abs(SPACE[1].unit(values["rate"]) - 0.5)
    return -far - (values["kind"] != "b")


def search(strategy: str, seed: int, count: int) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(count):
        values = STRATEGIES[strategy](SPACE, trials, Random(f"{seed}/{number}"))
        assert values is not None
        trials.append(Trial(values, score(values)))
    return trials


def test_bayesian_search_gets_closer_than_random_search() -> None:
    def best(strategy: str) -> float:
        found = (search(strategy, seed, 30) for seed in range(8))
        return fmean(max(trial.score or 0.0 for trial in trials) for trials in found)

    assert best("Bayesian") > best("Random") / 2


def test_the_same_seed_gives_the_same_trials() -> None:
    assert search("Bayesian", 3, 12) == search("Bayesian", 3, 12)
    assert search("Bayesian", 3, 12) != search("Bayesian", 4, 12)


def only(kind: str, **given: str) -> Dimension:
    (found,) = dimensions({f"{kind}ParameterRanges": [{"Name": "p", **given}]})
    return found


@pytest.mark.parametrize("scaling", ["Linear", "Logarithmic"])
def test_every_integer_has_its_room(scaling: str) -> None:
    found = only("Integer", MinValue="1", MaxValue="4", ScalingType=scaling)
    values = {found.value(step / 1000) for step in range(1000)}
    assert values == {"1", "2", "3", "4"}
    assert all(found.value(found.unit(value)) == value for value in values)


@pytest.mark.parametrize(
    ("given", "middle"),
    [
        ({"MinValue": "0", "MaxValue": "10"}, 5.0),
        ({"MinValue": "0.0001", "MaxValue": "1"}, 0.01),
        ({"MinValue": "1", "MaxValue": "3", "ScalingType": "Linear"}, 2.0),
        ({"MinValue": "0", "MaxValue": "0.99", "ScalingType": "ReverseLogarithmic"}, 0.9),
    ],
)
def test_the_middle_of_a_continuous_range_depends_on_its_scale(
    given: dict[str, str], middle: float
) -> None:
    found = only("Continuous", **given)
    assert float(found.value(0.5)) == pytest.approx(middle)
    assert found.unit(found.value(0.25)) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("scores", "stopped"),
    [([], False), ([2.0], False), ([0.5], True), ([2.0, 2.0], False), ([2.0, 1.0], True)],
)
def test_what_does_worse_than_most_is_hopeless(scores: list[float], stopped: bool) -> None:
    others = [[1.0, 2.0], [1.0, 3.0], [1.0, 2.0, 9.0]]
    assert hopeless(scores, others) is stopped
    assert not hopeless(scores, others[:2])
    assert not hopeless(scores, others, since=len(scores))
