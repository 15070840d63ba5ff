"""Nights of cleaning up, their calls counted: ``python -m bench.cleaning.night FILE``, in an environment that says
where AWS is. What was counted goes into FILE as JSON.

The first night knows nothing of the account, and looks at no more than it may. It plans and marks what it found. Before
the second, everything is looked at, and remembered: so it is after some nights.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from frugal.aws.clients import RETRIES
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
            client = boto3.client(service, region_name=region, config=Config(retries=RETRIES))
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
    nights = []
    for name in ("first", "later"):
        connect.reset()
        started = time.monotonic()
        made = night.plan(account, rules)
        entry = told(made, connect, time.monotonic() - started)
        if name == "first":
            started = time.monotonic()
            connect.reset()
            night.mark(account, made)
            entry["marking"] = told(made, connect, time.monotonic() - started)
            everything = rules.model_copy(update={"look_at_most": sys.maxsize})
            night.sweep(account, everything, made, "bench")
        nights.append(entry)
    Path(sys.argv[1]).write_text(json.dumps(nights))


def told(made: Plan, connect: Counted, seconds: float) -> dict[str, Any]:
    return {
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
