"""What a training job is billed for."""

from __future__ import annotations

import math
from typing import Any

from local_aws.execution.states import now
from local_aws.store import Record


def bill(record: Record, seconds: float, ratio: float) -> dict[str, Any]:
    """What a job that ends now, after `seconds` on capacity, shows of its time; nothing when it
    never had any.

    The ratio of spot seconds that are billed is simulated: on AWS it is what the capacity cost.
    """
    if "TrainingStartTime" not in record:
        return {}
    trained = max(1, math.ceil(seconds))
    spot = record["EnableManagedSpotTraining"]
    billable = max(1, math.ceil(trained * ratio)) if spot else trained
    return {
        "TrainingEndTime": now(),
        "TrainingTimeInSeconds": trained,
        "BillableTimeInSeconds": billable,
    }
