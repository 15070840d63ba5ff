"""A seeded account: some 300 things of every kind, whose fate is known from how they were made.

What is old was made while the local AWS's clock was back; nothing here knows of the code that cleans up. A thing
that is acted on ends as its kind's `done` says, everything else in the account stays as it was.

    account = Account(local_aws, "production")
    account.seed(everything(2))
    ...
    assert account.states() == account.expected()
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from frugal.local import LocalAws
from tests.contract.cleanup.seeded import jobs, serving, standing, watching
from tests.contract.cleanup.seeded.light import Clients
from tests.contract.cleanup.seeded.seed import BUCKET, GONE, Ground, Seed, SeededKind
from tests.contract.cleanup.seeded.stories import KEPT, Story
from tests.contract.local_aws.conftest import archive
from tests.contract.waiting import await_true

KINDS: dict[str, SeededKind] = {
    kind.name: kind for kind in (*serving.KINDS, *watching.KINDS, *jobs.KINDS, *standing.KINDS)
}
#: What nothing stays in.
PASSING = (
    *("Creating", "Updating", "Deleting", "Pending", "Stopping", "Starting", "InProgress"),
    *("RollingBack", "STARTING", "INPROGRESS"),
)
#: A kind, and a thing of it, as AWS calls that.
Name = tuple[str, str]
Wanted = tuple[SeededKind, Story]

#: These cost a process each, or more calls than the others.
FEW = ("inference-component", "warm-pool", "model-package", "app")


def everything(times: int = 1) -> Iterator[Wanted]:
    """Every story of every kind, `times` times where that is cheap."""
    for kind in KINDS.values():
        for story in kind.stories:
            costly = kind.name in FEW or {"instance", "async", "busy", "failed"} & story.how
            for _ in range(1 if costly else times):
                yield kind, story


@dataclass
class Account:
    """An account of one environment, on a local AWS of its own."""

    local: LocalAws
    environment: str
    seeds: dict[Name, Seed] = field(default_factory=dict)
    before: dict[Name, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.aws = Clients(self.local)
        self._ground = Ground(self.aws, self.environment)
        self._made = Counter[str]()

    def shift(self, time: timedelta) -> None:
        """Let the account's clock go forward, or back."""
        self.local.ask("POST", "/_local/clock", {"Shift": time.total_seconds()})

    @contextmanager
    def ago(self, time: timedelta) -> Iterator[None]:
        """Do something that long ago."""
        self.shift(-time)
        try:
            yield
        finally:
            self.shift(time)

    def seed(self, wanted: Iterable[Wanted]) -> list[Seed]:
        """Make what is wanted, the oldest first, then give the busy their traffic; all that was made."""
        by_age: dict[timedelta, list[Wanted]] = {}
        for kind, story in wanted:
            by_age.setdefault(story.age, []).append((kind, story))
        if not self.seeds:
            self._begin()
        self.settle()  # what is to end soon would end only when the clock is here again
        made: list[Seed] = []
        for age in sorted(by_age, reverse=True):
            with self.ago(age):
                for kind, story in by_age[age]:
                    made += kind.make(self._ground, self._name(kind, story), story)
                self.settle()
        self.settle()
        while self._ground.then:
            self._ground.then.pop()()
        self.seeds |= {(seed.kind, seed.name): seed for seed in made}
        self.before = self.states()
        return made

    def _begin(self) -> None:
        """What some things need: a bucket with a model in it, and an endpoint that is kept."""
        self.aws("s3").create_bucket(Bucket=BUCKET)
        self.aws("s3").put_object(
            Bucket=BUCKET, Key="model.tar.gz", Body=archive({"name": "seeded"})
        )
        for seed in serving.make_endpoint(self._ground, watching.ANCHOR, KEPT):
            self.seeds[seed.kind, seed.name] = seed

    def _name(self, kind: SeededKind, story: Story) -> str:
        name = f"{kind.name}-{story.name}"
        self._made[name] += 1
        return f"{name}-{self._made[name]}"

    def states(self) -> dict[Name, str]:
        """Everything in the account with its state, as AWS tells it."""
        return {
            (kind.name, name): state
            for kind in KINDS.values()
            for name, state in kind.states(self._ground).items()
        }

    def settle(self) -> None:
        """Wait until nothing is on its way from one state to another."""
        moving = dict(KINDS)

        def at_rest() -> bool:
            for name, kind in list(moving.items()):
                if not set(kind.states(self._ground).values()) & set(PASSING):
                    del moving[name]
            return not moving

        await_true(at_rest, "the account to come to rest")

    def expected(self) -> dict[Name, str]:
        """What the account has to be like once everything that is to be acted on was."""
        acted = {name: KINDS[name[0]].done for name, seed in self.seeds.items() if seed.acted}
        after = self.before | acted
        return {name: state for name, state in after.items() if state != GONE}
