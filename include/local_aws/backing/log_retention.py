"""The retention of log groups: what CloudWatch Logs takes, which moto does not look at."""

from __future__ import annotations

import json

from local_aws.errors import AwsError
from local_aws.http import Request

#: PutRetentionPolicy, API reference.
DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827),
    *(2192, 2557, 2922, 3288, 3653),
)


def check(request: Request) -> None:
    """Raise `InvalidParameterException` for a number of days that AWS does not take."""
    days = json.loads(request.read() or b"{}").get("retentionInDays")
    if days not in DAYS:
        raise AwsError(
            "InvalidParameterException",
            f"retentionInDays must be one of {', '.join(map(str, DAYS))}, not {days}",
        )
