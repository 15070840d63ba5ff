"""What a training job's arguments may say."""

from __future__ import annotations

import pytest

from container.boosting import OWN, read_hyperparameters
from tests.unit.model.conftest import Job


def test_values_are_json_where_they_can_be() -> None:
    given = read_hyperparameters(
        ["--eta", "0.1", "--objective", "reg:gamma", "--num_round", "7", "--base_score", "-1.5"]
    )
    assert given == {
        **OWN,
        "eta": 0.1,
        "objective": "reg:gamma",
        "num_round": 7,
        "base_score": -1.5,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eta"], "expected --name value pairs, got: --eta"),
        (["eta", "0.1"], "expected --name value pairs"),
        (["--num_round", "0"], "hyperparameter num_round is 0; allowed: integers >= 1"),
        (["--num_round", "many"], "num_round is 'many'"),
        (["--seed", "-1"], "seed is -1; allowed: integers >= 0"),
        (["--booster", "dart"], "booster is 'dart'; allowed: gbtree"),
        (["--tree_method", "exact"], "tree_method is 'exact'; allowed: hist, auto"),
    ],
)
def test_mistakes_say_what_is_allowed(arguments: list[str], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_hyperparameters(arguments)
    assert message in str(caught.value)


def test_what_xgboost_refuses_ends_the_log_with_its_reason(job: Job) -> None:
    assert job.train(objective="reg:squarederor") == 1
    assert "Unknown objective function" in job.log.rstrip().splitlines()[-1]
    assert "[bt]" not in job.log
