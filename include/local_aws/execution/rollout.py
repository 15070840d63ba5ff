"""An endpoint's way to another configuration: traffic shifted in steps, alarms watched, rolled back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from local_aws.execution.model_server import ServerFailed
from local_aws.execution.rollout_plan import Plan
from local_aws.execution.traffic import Split

if TYPE_CHECKING:
    from local_aws.app import App
    from local_aws.execution.instances import Instances
    from local_aws.execution.placement import Site

POLL = 0.05


class Servers(Protocol):
    """Anything with a number of servers."""

    @property
    def instances(self) -> Instances: ...


class Version(Protocol):
    """What a rollout brings in or takes away: a deployment, or a component's copies."""

    site: Site

    @property
    def everything(self) -> Sequence[Servers]: ...

    def start(self) -> None: ...

    def scale(self, count: int) -> None: ...

    def check_health(self) -> None: ...

    def check_return(self) -> None: ...

    def stop(self) -> None: ...


V = TypeVar("V", bound=Version)
V_contra = TypeVar("V_contra", bound=Version, contravariant=True)


class Shift(Generic[V]):
    """What answers, and during an update what comes beside it for a `share` of the requests."""

    def __init__(self) -> None:
        self.serving: V | None = None
        self.incoming: V | None = None
        self.share = 0.0
        self.cancelled = threading.Event()
        self._split = Split()

    def choose(self) -> V | None:
        """The one whose turn it is; None before the first one serves."""
        serving, incoming, share = self.serving, self.incoming, self.share
        if serving is None or incoming is None:
            return serving
        turn = self._split.turn({"serving": 1 - share, "incoming": share})
        return incoming if turn == "incoming" else serving

    def bring_in(self, new: V) -> None:
        """Put one beside what answers, without a share yet."""
        self.share, self.incoming = 0.0, new

    def settle(self, new: V) -> V | None:
        """Have one answer alone from now on; what answered before is the caller's to stop."""
        old, self.serving = self.serving, new
        self.give_up()
        return old

    def give_up(self) -> None:
        """Forget what is beside what answers."""
        self.incoming, self.share = None, 0.0

    def deployments(self) -> Iterator[V]:
        """Those there are, running or starting."""
        yield from (d for d in (self.serving, self.incoming) if d)


class Journal(Protocol[V_contra]):
    """Who writes down how a deployment goes."""

    def stage(self, status: str, new: V_contra) -> None:
        """The new variants enter a VariantStatus: Creating, ActivatingTraffic, Baking."""

    def rolling_back(self, reason: str) -> None: ...

    def ended(self, problem: str | None, *, rollback_failed: bool = False) -> None:
        """It is through, or why the endpoint stays, or does not even stay, as it was."""


class Tripped(ServerFailed):
    """The deployment is to be undone; the message says why."""


class RollbackFailed(ServerFailed):
    """The old fleet could not be brought back."""


class Rollout(Generic[V]):
    """One deployment: `run` returns when all traffic is on the new fleet and it has been baked."""

    def __init__(
        self, app: App, traffic: Shift[V], new: V, plan: Plan, journal: Journal[V]
    ) -> None:
        self._app, self._traffic, self._new = app, traffic, new
        self._old, self._plan, self._journal = traffic.serving, plan, journal
        self._rolling = bool(plan.batches) and self._old is not None
        self._before = sum(v.instances.count for v in self._old.everything) if self._old else 0
        self._deadline = time.monotonic() + self._local(plan.timeout)

    def _local(self, seconds: float) -> float:
        return self._app.config.simulation.wait(seconds)

    def run(self) -> None:
        """Raises `ServerFailed` after everything was rolled back, `Tripped` when it came up but did not
        please, or `RollbackFailed`."""
        self._journal.stage("Creating", self._new)
        try:
            self._shift()
        except Exception as problem:
            try:
                if self._old and not self._traffic.cancelled.is_set():
                    self._journal.rolling_back(str(problem))
                    self._roll_back(self._old, str(problem))
            finally:
                self._traffic.give_up()
                self._new.stop()
            raise

    def _shift(self) -> None:
        plan = self._plan
        if not self._rolling:
            self._new.start()
        for number, share in enumerate(plan.shares):
            if self._rolling:
                self._new.check_health()
                self._new.scale(sum(plan.batches[: number + 1]))
            self._journal.stage("ActivatingTraffic", self._new)
            self._traffic.share = share
            self._journal.stage("Baking", self._new)
            self._watch(plan.wait if number + 1 < len(plan.shares) else plan.bake)
            if self._rolling and self._old:
                self._old.scale(round(self._before * (1 - share)))

    def _watch(self, seconds: float) -> None:
        """Let time pass. Raises `Tripped` when an alarm goes off or time is up."""
        until = time.monotonic() + self._local(seconds)
        while True:
            if self._traffic.cancelled.is_set():
                raise Tripped("The endpoint was deleted")
            if firing := [name for name in self._plan.alarms if self._fires(name)]:
                names = ", ".join(firing)
                raise Tripped(f"Rolled back: the alarm {names} is in ALARM state")
            if time.monotonic() > self._deadline:
                raise Tripped("The deployment exceeded MaximumExecutionTimeoutInSeconds")
            if time.monotonic() >= until:
                return
            self._traffic.cancelled.wait(POLL)

    def _fires(self, alarm: str) -> bool:
        return self._app.cloudwatch.state(alarm, self._new.site.region) == "ALARM"

    def _roll_back(self, old: V, problem: str) -> None:
        """All traffic back to the old fleet. Raises `RollbackFailed`.

        A blue/green update has it running, so that only a fault that names the old configuration keeps
        it from serving; a rolling one has to start again what it replaced.
        """
        if not self._rolling:
            self._traffic.share = 0.0
        try:
            old.check_return()
            while self._rolling and (back := sum(v.instances.count for v in old.everything)) < (
                self._before
            ):
                back = min(self._before, back + self._plan.back)
                old.scale(back)
                self._traffic.share = 1 - back / self._before
        except ServerFailed as error:
            raise RollbackFailed(f"{problem}; the rollback failed: {error}") from error
