"""Alarms: kept, evaluated on the local clock, and what they do when their state changes."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from local_aws import ACCOUNT
from local_aws.cloudwatch import actions, composite
from local_aws.cloudwatch.clock import Clock
from local_aws.cloudwatch.evaluation import MINUTE, Verdict, evaluate, period_of, step
from local_aws.cloudwatch.metrics import Metrics
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

log = logging.getLogger(__name__)

KIND = "alarm"
# What an update of the configuration leaves as it was.
_KEPT = (
    *("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp"),
    *("StateTransitionedTimestamp", "_history"),
)
# The latest of an alarm's history; AWS keeps two weeks of it.
HISTORY = 50

ACTIONS = {
    "OK": "OKActions",
    "ALARM": "AlarmActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}


class Alarms:
    """All alarms. A thread evaluates each as often as AWS would; `evaluate_due` does so at once."""

    def __init__(self, app: App, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._evaluated: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()

    def state(self, name: str, region: str) -> str | None:
        """OK, ALARM or INSUFFICIENT_DATA; None when there is no such alarm."""
        alarm = self._app.store.get(KIND, region, name)
        return None if alarm is None else str(alarm["StateValue"])

    def put(self, region: str, alarm: Record) -> None:
        """Create an alarm, or replace its configuration and keep its state."""
        with self._lock:
            self._put(region, alarm)

    def _put(self, region: str, alarm: Record) -> None:
        name, now = alarm["AlarmName"], self._clock.now()
        arn = f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{name}"
        known = self._app.store.get(KIND, region, name)
        state: Record = {k: known[k] for k in _KEPT if k in known} if known else {}
        if known is None:
            state = {
                "StateValue": "INSUFFICIENT_DATA",
                "StateReason": "Unchecked: Initial alarm creation",
                "StateUpdatedTimestamp": now,
                "StateTransitionedTimestamp": now,
            }
        record = {"AlarmArn": arn, "_arn": arn, "AlarmConfigurationUpdatedTimestamp": now}
        record |= alarm | state
        if "AlarmRule" not in alarm:
            record["_period"] = period_of(alarm)
        verb = "updated" if known else "created"
        _note(record, now, "ConfigurationUpdate", f'Alarm "{name}" {verb}', {})
        self._app.store.put(KIND, region, name, record)
        self._evaluated.pop((region, name), None)

    def delete(self, region: str, name: str) -> None:
        with self._lock:
            self._app.store.delete(KIND, region, name)
            self._evaluated.pop((region, name), None)
            self._told.pop((region, name), None)

    def change(self, region: str, name: str, state: str, reason: str, data: str) -> None:
        """SetAlarmState: until the next evaluation says otherwise."""
        with self._lock:
            alarm = self._app.store.get(KIND, region, name)
            if alarm is not None:
                self._enter(region, alarm, Verdict(state, reason, data, newest(data)))

    def evaluate_due(self) -> None:
        """Evaluate the alarms of which a minute, or a shorter Period, ended since last time."""
        with self._lock:
            alarms = self._app.store.every(KIND)
            for region, name, alarm in alarms:
                try:
                    self._evaluate_if_due(region, name, alarm)
                except Exception:
                    log.exception("Alarm %s could not be evaluated", name)
            self._evaluate_composites(alarms)

    def _evaluate_if_due(self, region: str, name: str, alarm: Record) -> None:
        if "AlarmRule" in alarm:
            return
        turn = math.floor(self._clock.now() / step(alarm, self._clock))
        if self._evaluated.get((region, name)) == turn:
            return
        self._evaluated[region, name] = turn
        verdict = evaluate(alarm, region, self._metrics, self._clock)
        if verdict.state != alarm["StateValue"]:
            self._enter(region, alarm, verdict)
        else:
            self._remain(region, alarm, verdict)

    def _evaluate_composites(self, alarms: list[tuple[str, str, Record]]) -> None:
        for region, name, alarm in alarms:
            if "AlarmRule" not in alarm:
                continue
            holds = composite.holds(alarm["AlarmRule"], partial(self.state, region=region))
            state = "ALARM" if holds else "OK"
            latest = self._app.store.get(KIND, region, name)
            if latest is not None and latest["StateValue"] != state:
                reason = f"The rule {alarm['AlarmRule']} is {'true' if holds else 'false'}"
                self._enter(region, latest, Verdict(state, reason[:1023], "{}", None))

    def _enter(self, region: str, alarm: Record, verdict: Verdict) -> None:
        """Change the state, tell EventBridge, and do the state's actions."""
        now, before = self._clock.now(), alarm
        changed = before["StateValue"] != verdict.state

        def change(record: Record) -> None:
            record["StateValue"] = verdict.state
            record["StateReason"] = verdict.reason
            record["StateReasonData"] = verdict.data
            record["StateUpdatedTimestamp"] = now
            if changed:
                record["StateTransitionedTimestamp"] = now
                summary = f"Alarm updated from {before['StateValue']} to {verdict.state}"
                states = {"oldState": before["StateValue"], "newState": verdict.state}
                _note(record, now, "StateUpdate", summary, {**states, "reason": verdict.reason})

        try:
            after = self._app.store.update(KIND, region, alarm["AlarmName"], change)
        except KeyError:
            return
        if changed:
            self._told[region, alarm["AlarmName"]] = self._minute()
            actions.publish(self._app, region, before, after)
            for arn in self._actions_of(after):
                self._act(region, before, after, arn, verdict)

    def _remain(self, region: str, alarm: Record, verdict: Verdict) -> None:
        """Scaling policies are told again once a minute for as long as the state lasts (CloudWatch
        User Guide, "Alarms and actions"); nothing else is."""
        minute = self._minute()
        if self._told.get((region, alarm["AlarmName"])) == minute:
            return
        self._told[region, alarm["AlarmName"]] = minute
        for arn in self._actions_of(alarm):
            if actions.is_scaling(arn):
                self._act(region, alarm, alarm, arn, verdict)

    def _minute(self) -> int:
        return math.floor(self._clock.now() / self._clock.span(MINUTE))

    def _actions_of(self, alarm: Record) -> list[str]:
        enabled = alarm.get("ActionsEnabled", True)
        return list(alarm.get(ACTIONS[alarm["StateValue"]], [])) if enabled else []

    def _act(self, region: str, before: Record, after: Record, arn: str, verdict: Verdict) -> None:
        try:
            actions.act(self._app, region, before, after, arn, verdict)
            result = f"Successfully executed action {arn}"
        except Exception as error:
            result = f"Failed to execute action {arn}: {error}"
        if before is after:
            return
        log.info("Alarm %s: %s", after["AlarmName"], result)

        def note(record: Record) -> None:
            _note(record, self._clock.now(), "Action", result[:255], {"actionArn": arn})

        try:
            self._app.store.update(KIND, region, after["AlarmName"], note)
        except KeyError:
            return

    def _run(self) -> None:
        pause = min(max(self._clock.span(MINUTE) / 12, 0.02), 1.0)
        while not self._stop.wait(pause):
            started = time.monotonic()
            try:
                self.evaluate_due()
            except Exception:
                log.exception("Alarms could not be evaluated")
            self._stop.wait(time.monotonic() - started)  # half of a core at most


def _note(record: Record, now: float, kind: str, summary: str, data: dict[str, Any]) -> None:
    item = {
        "Timestamp": now,
        "HistoryItemType": kind,
        "HistorySummary": summary[:255],
        "HistoryData": json.dumps(data)[:4095],
    }
    record["_history"] = [*record.get("_history", []), item][-HISTORY:]


def newest(data: str) -> float | None:
    """The newest data point of a StateReasonData, as scaling policies read it."""
    try:
        points = json.loads(data or "{}").get("recentDatapoints") or [None]
        return None if points[-1] is None else float(points[-1])
    except (ValueError, TypeError, AttributeError):
        return None
