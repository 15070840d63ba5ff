"""TrainingJobEarlyStoppingType Auto: a training job that does worse than most is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from statistics import median

#: Training jobs that have to have come as far before one is stopped; AWS's number is not documented.
ENOUGH = 3


def hopeless(scores: Sequence[float], others: Sequence[Sequence[float]], since: int = 0) -> bool:
    """Whether a score was worse than the median of the others' running averages up to its epoch.

    Scores are larger the better, one for each value that was logged of the objective metric, which
    stands for an epoch (Developer Guide, "Stop Training Jobs Early"). `others` ended before; the
    first `since` scores are known to be good enough.
    """
    if len(scores) <= since:
        return False
    averages = [[total / (i + 1) for i, total in enumerate(accumulate(o))] for o in others]
    for epoch in range(since, len(scores)):
        reached = [average[epoch] for average in averages if len(average) > epoch]
        if len(reached) >= ENOUGH and scores[epoch] < median(reached):
            return True
    return False
