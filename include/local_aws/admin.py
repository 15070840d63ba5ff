"""`/_local/...`: what only a local AWS has, health, the clock, faults and the table of operations."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeGuard

import yaml

from local_aws import clock
from local_aws.app import App
from local_aws.backing.services import SERVED
from local_aws.execution.signals import Signal
from local_aws.execution.states import TRAINING
from local_aws.faults import BadRule, read_rules
from local_aws.http import Request, Response, json_response
from local_aws.protocol import service_model

DAY = 86400
FARTHEST = 400 * DAY
OPERATIONS = Path(__file__).with_name("operations.yaml")


def answer(app: App, request: Request) -> Response:
    """Answer a request below `/_local/`."""
    route = (request.method, request.path.removeprefix("/_local/"))
    if route == ("GET", "health"):
        return json_response(
            {
                "status": "ok",
                "pid": os.getpid(),
                "state": str(app.config.state.resolve()),
                "jobs": app.supervisor.running(),
            }
        )
    if route == ("GET", "operations"):
        return json_response(operations())
    if route == ("POST", "interrupt"):
        return _interrupt(app, json.loads(request.read() or b"{}"))
    if route == ("POST", "clock"):
        return _set_clock(app, json.loads(request.read() or b"{}"))
    if route == ("GET", "clock"):
        return _shown_clock()
    if route[1] == "faults" or route[1].startswith("faults/"):
        return _faults(app, request, route[1].partition("/")[2])
    return json_response({"error": f"No {request.method} {request.path}"}, 404)


def _interrupt(app: App, body: dict[str, Any]) -> Response:
    """Reclaim the spot capacity of a training job that is Training, in `Region` or in any."""
    name, asked = body.get("TrainingJobName", ""), body.get("Region")
    jobs = [
        (region, record)
        for region, found, record in app.store.every(TRAINING.kind)
        if found == name and asked in (None, region)
    ]
    if not jobs:
        return json_response({"error": f"No training job {name!r}"}, 404)
    region, record = jobs[0]
    if not record["EnableManagedSpotTraining"]:
        return json_response({"error": f"{name} does not run on managed spot capacity"}, 400)
    if record["SecondaryStatus"] != "Training":
        status = record["SecondaryStatus"]
        return json_response(
            {"error": f"{name} is {status}: only Training can be interrupted"}, 409
        )
    app.supervisor.signal(TRAINING.kind, region, name, Signal.INTERRUPT)
    return json_response({"TrainingJobName": name, "Region": region})


def _set_clock(app: App, body: dict[str, Any]) -> Response:
    """Shift the whole clock, or let alarms and scaling alone go on."""
    if "Shift" not in body:
        return _advance(app, body)
    seconds = body["Shift"]
    if not _is_number(seconds) or abs(clock.shifted() + seconds) > FARTHEST:
        text = f"Shift must keep the clock within {FARTHEST} s of this machine's, not {seconds!r}"
        return json_response({"error": text}, 400)
    app.shift(seconds)
    return _shown_clock()


def _shown_clock() -> Response:
    return json_response({"Shifted": round(clock.shifted(), 3), "Now": clock.now()})


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _advance(app: App, body: dict[str, Any]) -> Response:
    """Let `Seconds` of AWS's time, a day at most, pass for alarms and scaling policies at once."""
    seconds = body.get("Seconds")
    if not _is_number(seconds) or not 0 < seconds <= DAY:
        return json_response({"error": f"Seconds must be from 1 to {DAY}, not {seconds!r}"}, 400)
    app.cloudwatch.advance(seconds)
    return json_response({"Seconds": seconds})


def _faults(app: App, request: Request, rule_id: str) -> Response:
    """GET lists the rules, POST adds some, DELETE removes the one of an id or all."""
    faults = app.faults
    if request.method == "GET" and not rule_id:
        return json_response({"seed": faults.seed, "rules": faults.rules()})
    if request.method == "POST" and not rule_id:
        try:
            seed, rules = read_rules(json.loads(request.read() or b"null"), "faults")
        except (BadRule, json.JSONDecodeError) as error:
            return json_response({"error": str(error)}, 400)
        faults.begin(None, seed)
        return json_response({"rules": faults.add(rules)})
    if request.method == "DELETE" and (not rule_id or rule_id.isdigit()):
        cleared = faults.clear(int(rule_id) if rule_id else None)
        if rule_id and not cleared:
            return json_response({"error": f"No fault {rule_id}"}, 404)
        return json_response({"cleared": cleared})
    return json_response({"error": f"No {request.method} {request.path}"}, 404)


def operations() -> dict[str, Any]:
    """Executed, stored and rejected operations of the services that are ours; the rest is moto."""
    table: dict[str, Any] = yaml.safe_load(OPERATIONS.read_text())
    for name, entry in table.items():
        if entry.get("model"):
            known = set(entry["executed"]) | set(entry["stored"])
            every = service_model(entry.pop("model")).operation_names
            table[name]["rejected"] = sorted(set(every) - known)
    return {"services": table, "moto": sorted(SERVED)}
