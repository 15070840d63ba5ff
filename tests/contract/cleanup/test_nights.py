"""What may happen in a night: requests that come too late, kills at any call, and the way back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from frugal.aws import clients
from frugal.cleanup import night
from frugal.cleanup.account import Account as View
from frugal.cleanup.outcome import Done, Outcome
from frugal.cleanup.plan import Verdict
from tests.contract.cleanup.account import KINDS, Account
from tests.contract.cleanup.nights import Nights, policy
from tests.contract.cleanup.seeded.serving import ENDPOINT_STORIES
from tests.contract.cleanup.seeded.stories import IDLE

READS = ("List", "Describe", "Get", "Head")
SERVING = policy(
    {
        "idle": {"kind": "endpoint", "when": {"older_than": "14d", "no_invocations": "14d"}},
        "configs": {"kind": "endpoint-config", "when": {"older_than": "1d", "unreferenced": True}},
        "models": {"kind": "model", "when": {"older_than": "1d", "unreferenced": True}},
    }
)
#: AWS gives these, and the alarms of a target tracking policy, new names.
MADE_BY_AWS = ("scaling-policy", "alarm")
NUMBERS = count()
STORIES = {story.name: story for story in ENDPOINT_STORIES}
Handler = Callable[[str, dict[str, Any]], None]


class Killed(BaseException):
    """What kills a process leaves nobody to catch it."""


class Watched:
    """The account, where `handler` is told of every call, by operation and parameters, before it is made."""

    def __init__(self) -> None:
        self.handler: Handler = lambda operation, params: None
        self._clients: dict[Any, Any] = {}

    def connect(self, service: str, region: str | None = None) -> Any:
        if (service, region) not in self._clients:
            client = clients.hook(service, region).conn
            client.meta.events.register("before-call", self._tell)
            self._clients[service, region] = client
        return self._clients[service, region]

    def _tell(self, model: Any, params: Any, **_: Any) -> None:
        self.handler(model.name, params)

    def account(self, handler: Handler) -> View:
        self.handler = handler
        return night.here(connect=self.connect)


@pytest.fixture
def watched(seeded: Account) -> Watched:
    return Watched()


def sweep(account: View) -> list[Done]:
    return night.sweep(account, SERVING, night.plan(account, SERVING), f"sweep-{next(NUMBERS)}")


def idle(seeded: Account, number: int) -> list[str]:
    """Names of so many idle endpoints, in the order in which they are swept."""
    kind = KINDS["endpoint"]
    seeds = seeded.seed([(kind, IDLE)] * number)
    return sorted(seed.name for seed in seeds if seed.kind == "endpoint")


def ask(seeded: Account, name: str) -> bytes:
    answer = seeded.aws("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body=b"1,2"
    )
    body: bytes = answer["Body"].read()
    return body


def endpoints(seeded: Account) -> dict[str, str]:
    return {name: state for (kind, name), state in seeded.states().items() if kind == "endpoint"}


def standing(seeded: Account, name: str) -> dict[tuple[str, str], str]:
    """Everything with that name in its own; logs stay, whatever comes and goes."""
    return {
        key: state
        for key, state in seeded.states().items()
        if name in key[1] and key[0] != "log-group"
    }


def name_in(params: dict[str, Any]) -> str | None:
    """The endpoint that a call is about."""
    name: str | None = json.loads(params["body"] or b"{}").get("EndpointName")
    return name


def outcomes(done: list[Done]) -> dict[str, Outcome]:
    """By the names of endpoints."""
    found = (one for one in done if one.item.resource.kind == "endpoint")
    return {one.item.resource.name: one.outcome for one in found}


def test_a_plan_only_reads(seeded: Account, watched: Watched) -> None:
    idle(seeded, 1)
    before, called = seeded.states(), set[str]()
    made = night.plan(watched.account(lambda operation, _: called.add(operation)), SERVING)
    assert made.of(Verdict.ACT)
    assert not [operation for operation in called if not operation.startswith(READS)]
    assert "DescribeModel" not in called, "nothing is judged by what models are made from"
    assert seeded.states() == before
    sweep(night.here())


def test_no_endpoint_that_got_a_request_is_gone(seeded: Account, watched: Watched) -> None:
    """Asked after the plan, between two deletions, and just as its own deletion begins; only the last was not."""
    early, late, too_late, never = idle(seeded, 4)

    def traffic(operation: str, params: dict[str, Any]) -> None:
        if operation == "DeleteEndpoint" and name_in(params) == too_late:
            ask(seeded, too_late)
        if operation == "DeleteEndpoint" and name_in(params) == late:
            pytest.fail(f"{late} was asked before")
        if operation == "DescribeEndpoint" and name_in(params) == late and plans:
            plans.pop()
            ask(seeded, late)

    plans = ["the one that is made before"]
    account = watched.account(traffic)
    made = night.plan(night.here(), SERVING)
    ask(seeded, early)
    found = outcomes(night.sweep(account, SERVING, made, "race"))
    assert found == {
        early: Outcome.SPARED,
        late: Outcome.SPARED,
        too_late: Outcome.RESTORED,
        never: Outcome.DONE,
    }
    seeded.settle()
    left = endpoints(seeded)
    assert {left.get(name) for name in (early, late, too_late)} == {"InService"}
    assert never not in left
    assert ask(seeded, too_late)


def test_a_sweep_that_is_killed_at_every_call_ends_the_same(
    seeded: Account, watched: Watched
) -> None:
    """Each attempt is killed at the next call that changes anything, so that every place between two is met."""
    [name] = idle(seeded, 1)
    seeded.aws("cloudwatch").put_metric_alarm(
        AlarmName=f"frugal/{name}/scaling/full",
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[{"Name": "EndpointName", "Value": name}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[
            {"Key": "ManagedBy", "Value": "frugal"},
            {"Key": "frugal:environment", "Value": seeded.environment},
        ],
    )
    kills = 0
    for allowed in count():
        writes = count()

        def kill(operation: str, params: Any, writes: Any = writes, allowed: int = allowed) -> None:
            if not operation.startswith(READS) and next(writes) == allowed:
                raise Killed(operation)

        try:
            done = sweep(watched.account(kill))
            break
        except Killed:
            kills += 1
    assert kills > 4, "the journal, the recipe, the alarm, the endpoint, the recipe and the journal"
    assert outcomes(done)[name] is Outcome.DONE
    seeded.settle()
    assert name not in endpoints(seeded)
    [recipe] = [one.recipe for one in done if one.item.resource.kind == "endpoint"]
    lines = night.restore(night.here(), str(recipe))
    assert f"alarm frugal/{name}/scaling/full" in lines, "the recipe is of the whole endpoint"
    assert endpoints(seeded)[name] == "InService"
    seeded.aws("sagemaker").delete_endpoint(EndpointName=name)


def test_what_was_swept_comes_back_and_answers_as_before(seeded: Account, nights: Nights) -> None:
    """In nights one after the other the endpoint goes, then what it was made from; the recipes bring back all of it."""
    seeds = seeded.seed([(KINDS["endpoint"], STORIES["idle-on-an-instance"])])
    [name] = [seed.name for seed in seeds if seed.kind == "endpoint"]
    with seeded.ago(timedelta(days=60)):
        answer = ask(seeded, name)
    before = standing(seeded, name)
    assert len(before) > 4, "endpoint, configuration, model, target, policy, alarms"
    swept: list[Done] = []
    for _ in ("endpoint", "configuration", "model"):
        swept += [one for one in sweep(nights.account) if name in one.item.resource.name]
        seeded.settle()
    assert [one.outcome for one in swept] == [Outcome.DONE] * 3
    assert not standing(seeded, name)

    for one in reversed(swept):
        night.restore(nights.account, str(one.recipe))
    assert ask(seeded, name) == answer
    after = standing(seeded, name)
    assert Counter(kind for kind, _ in after) == Counter(kind for kind, _ in before)
    same = {key for key in before if key[0] not in MADE_BY_AWS}
    assert same == {key for key in after if key[0] not in MADE_BY_AWS}
