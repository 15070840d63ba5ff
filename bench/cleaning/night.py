"""Nights of cleaning up, their calls counted: ``python -m bench.cleaning.night FILE``, in an environment that says
where AWS is. What was counted goes into FILE as JSON.

The first night knows nothing of the account, and looks at no more than it may. A later one has what that remembers.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from frugal.aws.clients import PACED
from frugal.cleanup import night
from frugal.cleanup.plan import Plan
from frugal.cleanup.rules import load_rules


class Counted:
    """boto3's clients, each made once, and how often they called what, attempts that were throttled included."""

    def __init__(self) -> None:
        self.calls = Counter[str]()
        self.throttled = 0
        self._clients: dict[tuple[str, str | None], Any] = {}

    def __call__(self, service: str, region: str | None) -> Any:
        key = (service, region)
        if key not in self._clients:
            client = boto3.client(service, region_name=region, config=Config(retries=PACED))
            client.meta.events.register("before-send", self._count)
            client.meta.events.register("needs-retry", self._note)
            self._clients[key] = client
        return self._clients[key]

    def _note(self, response: Any, **_: object) -> None:
        code = response[1].get("Error", {}).get("Code", "") if response else ""
        self.throttled += "hrottl" in code

    def reset(self) -> None:
        self.calls, self.throttled = Counter(), 0

    def _count(self, event_name: str, **_: object) -> None:
        self.calls[event_name.removeprefix("before-send.")] += 1


def main() -> None:
    connect = Counted()
    account = night.here(connect=connect)
    rules = load_rules()

    def counted(name: str, do: Callable[[], Plan]) -> tuple[Plan, dict[str, Any]]:
        connect.reset()
        started = time.monotonic()
        made = do()
        return made, told(name, made, connect, time.monotonic() - started)

    def marked() -> Plan:
        night.mark(account, made)
        return made

    plan = partial(night.plan, account, rules, remember=True)
    made, first = counted("the first", plan)
    _, marking = counted("marking", marked)
    _, later = counted("a later one", plan)
    nights = {"nights": [first, later], "marking": marking}
    Path(sys.argv[1]).write_text(json.dumps(nights))


def told(name: str, made: Plan, connect: Counted, seconds: float) -> dict[str, Any]:
    return {
        "name": name,
        "seconds": seconds,
        "calls": sum(connect.calls.values()),
        "throttled": connect.throttled,
        "by_operation": connect.calls.most_common(),
        "resources": sum(made.looked.values()),
        "found": Counter(item.verdict.value for item in made.items),
        "unseen": dict(made.unseen),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
