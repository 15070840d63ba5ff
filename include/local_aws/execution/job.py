"""What every job has: a record that moves through AWS's states, a way to be stopped, a process."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_aws.execution.process import Command, Process
from local_aws.execution.signals import Signal
from local_aws.execution.states import States, now
from local_aws.execution.threats import Threats
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App


@dataclass(frozen=True)
class Outcome:
    """How a process ended: its exit code (128 + n for signal n), and what made it end, if not
    itself."""

    code: int
    signal: Signal | None = None


#: Exit code of a process that SIGTERM ended.
TERMINATED = 143


@dataclass
class Job:
    """One job of one kind in one region, run by one thread. `history` holds every value that a
    training job logged, by metric; `woken` is set when it was told to end."""

    app: App
    states: States
    region: str
    name: str
    _signals: list[Signal] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _runs: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    woken: threading.Event = field(default_factory=threading.Event)

    @property
    def record(self) -> Record:
        found = self.app.store.get(self.states.kind, self.region, self.name)
        if found is None:
            raise KeyError(self.name)
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What faults can be limited to."""
        record = self.record
        return {
            "job": self.name,
            "region": self.region,
            "instance": self.states.instance_type(record),
            "spot": bool(record.get("EnableManagedSpotTraining")),
        }

    def update(self, **members: Any) -> None:
        """Set members of the record."""
        kind = self.states.kind
        self.app.store.update(kind, self.region, self.name, lambda record: record.update(members))

    def enter(self, status: str, **members: Any) -> None:
        """Enter a status with the members that come with it, and tell EventBridge.

        A job that is being stopped stays so until it ends.
        """
        states = self.states

        def change(record: Record) -> None:
            record.update(members)
            if record[states.status] != states.stopping or states.ends(status):
                states.move(record, status)

        self.publish(self.app.store.update(states.kind, self.region, self.name, change))

    def publish(self, record: Record) -> None:
        """Send the event of the state that the record is in."""
        states = self.states
        if states.event is None:
            return
        detail = {k: record[k] for k in states.event_members if k in record}
        detail["Tags"] = self.app.store.tags(record[states.arn])
        self.app.telemetry.event(self.region, states.event, detail, [record[states.arn]])

    def signal(self, what: Signal) -> None:
        with self._changed:
            self._signals.append(what)
            self._changed.notify_all()
        self.woken.set()

    def stopped(self) -> bool:
        return Signal.STOP in self._signals

    def take_interrupt(self) -> bool:
        """Whether capacity was reclaimed since it was last asked."""
        with self._changed:
            if Signal.INTERRUPT in self._signals:
                self._signals.remove(Signal.INTERRUPT)
                return True
            return False

    def pause(self, seconds: float) -> bool:
        """Wait, but not past a stop; whether the job was stopped."""
        with self._changed:
            return self._changed.wait_for(self.stopped, seconds)

    def run(
        self,
        command: Command,
        logs: LogStream,
        deadline: float,
        every: Callable[[Process], None] = lambda process: None,
        period: float = 1.0,
    ) -> Outcome:
        """Run a command to its end, or end it at a signal, a fault or at `deadline` (monotonic
        seconds).

        `every` is called with the process each `period` seconds meanwhile.
        """
        self._runs += 1
        threats = Threats(self.app.faults, self.facts, f"{self.name}/{self._runs}")
        signal = threats.due()
        code = TERMINATED
        if signal is None:
            signal, code = self._run(command, logs, deadline, every, period, threats)
        if threats.failure:
            return Outcome(threats.fail(command.directory, logs.write))
        return Outcome(code, signal)

    def _run(
        self,
        command: Command,
        logs: LogStream,
        deadline: float,
        every: Callable[[Process], None],
        period: float,
        threats: Threats,
    ) -> tuple[Signal | None, int]:
        """What ended the process, if not itself, and its exit code."""
        process = Process(command, logs.write, self._wake)
        try:
            signal = self._watch(process, deadline, every, period, threats)
        except BaseException:
            process.kill()
            raise
        if signal is Signal.FAULT:
            process.kill()
        elif signal is not None:
            process.terminate(self.app.config.simulation.wait(120))
        assert process.code is not None
        return signal, process.code

    def _watch(
        self,
        process: Process,
        deadline: float,
        every: Callable[[Process], None],
        period: float,
        threats: Threats,
    ) -> Signal | None:
        """Wait for the process to end; why it has to end now, if it has not."""
        next_call = time.monotonic() + period
        while process.code is None:
            if (due := self._due(deadline) or threats.due()) is not None:
                return due
            if time.monotonic() >= next_call:
                every(process)
                next_call = time.monotonic() + period
            timeout = max(0.0, min(next_call, deadline) - time.monotonic())
            with self._changed:
                self._changed.wait_for(
                    lambda: process.code is not None or bool(self._signals),
                    min(timeout, threats.period),
                )
        return None

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _due(self, deadline: float) -> Signal | None:
        if self.stopped():
            return Signal.STOP
        if self.take_interrupt():
            return Signal.INTERRUPT
        if Signal.DONE in self._signals:
            return Signal.DONE
        return Signal.TIMEOUT if time.monotonic() >= deadline else None


class LogStream:
    """A job's output: lines to CloudWatch Logs, and to whoever watches them."""

    def __init__(
        self, app: App, region: str, group: str, stream: str, watch: Callable[[str], None] | None
    ) -> None:
        self._app, self._region, self._group, self._stream = app, region, group, stream
        self._watch = watch
        app.telemetry.log(region, group, stream, [])

    def write(self, lines: list[str]) -> None:
        self._app.telemetry.log(self._region, self._group, self._stream, lines)
        if self._watch:
            for line in lines:
                self._watch(line)


class MetricReader:
    """MetricDefinitions over a job's output: the last value of each, all of them in `history` and to
    CloudWatch."""

    def __init__(
        self,
        definitions: list[dict[str, str]],
        publish: Callable[[str, float], None],
        history: dict[str, list[float]],
    ) -> None:
        self._patterns = [(d["Name"], re.compile(d["Regex"])) for d in definitions]
        self._publish, self._history = publish, history
        self.final: dict[str, tuple[float, float]] = {}

    def read(self, line: str) -> None:
        for name, pattern in self._patterns:
            for match in pattern.finditer(line):
                try:
                    value = float(match[1])
                except (ValueError, IndexError):
                    continue
                self.final[name] = (value, now())
                self._history.setdefault(name, []).append(value)
                self._publish(name, value)
