"""EventBridge's rules delivered to: queues, topics and what else moto can, each target by itself.

moto matches the patterns. Its own delivery ends at the first target that it does not know or that
is gone, sends what a disabled rule matches, and has neither topics nor dead-letter queues.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import moto.events.models
from jsonpath_ng.ext.parser import parse as read_path

from local_aws.backing.backends import backend

log = logging.getLogger(__name__)

Event = dict[str, Any]
Target = dict[str, Any]

_Rule: Any = moto.events.models.Rule
_by_moto = _Rule.send_to_targets
_PLACE = re.compile(r"<([\w.-]+)>")
# In the order in which AWS shows them.
_MEMBERS = ("id", "detail-type", "source", "account", "time", "region", "resources", "detail")


def install() -> None:
    """Deliver whatever moto puts on a bus: clients' events and the services' own."""
    _Rule.send_to_targets = _send_to_targets


def _send_to_targets(rule: Any, event: Event, transform_input: bool = True) -> None:
    if rule.state == "DISABLED" or not rule.event_pattern.matches_event(event):
        return
    for target in list(rule.targets):
        try:
            _send(rule, target, event, transform_input)
        except Exception as error:
            _give_up(rule, target, event, error)


def _send(rule: Any, target: Target, event: Event, transform_input: bool) -> None:
    service, region, resource = _parsed(target["Arn"])
    if service == "sqs":
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        body = message_of(target, rule, event)
        backend("sqs", region).send_message(resource, body, group_id=group)
    elif service == "sns":
        backend("sns", region).publish(message_of(target, rule, event), arn=target["Arn"])
    elif service in ("logs", "events"):
        alone = _Rule.__new__(_Rule)
        alone.__dict__.update(rule.__dict__, targets=[target])
        _by_moto(alone, event, transform_input)
    else:
        raise NotImplementedError(f"The local AWS delivers no events to {service}")


def _parsed(arn: str) -> tuple[str, str, str]:
    _, _, service, region, _, resource = arn.split(":", 5)
    return service, region, resource


def message_of(target: Mapping[str, Any], rule: Any, event: Event) -> str:
    """What a target receives: the event, or what its Input, InputPath or InputTransformer make."""
    seconds = float(event["time"])
    time = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shown = {"version": "0"} | {name: event[name] for name in _MEMBERS} | {"time": time}
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(_at(target["InputPath"], shown))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(shown)
    values = {name: _at(p, shown) for name, p in transformer.get("InputPathsMap", {}).items()}
    values["aws.events.rule-name"], values["aws.events.rule-arn"] = rule.name, rule.arn
    values["aws.events.event.json"] = values["aws.events.event"] = shown
    values["aws.events.event.ingestion-time"] = time
    return fill_in(transformer["InputTemplate"], values)


def _at(path: str, event: Event) -> Any:
    """The value at a JSON path; None when there is none."""
    found = read_path(path).find(event)
    return found[0].value if found else None


def fill_in(template: str, values: Mapping[str, Any]) -> str:
    """The template with each <name> replaced: bare text between quotes, JSON elsewhere."""

    def filled(place: re.Match[str]) -> str:
        if place[1] not in values:
            return place[0]
        value = values[place[1]]
        before = re.sub(r"\\.", "", template[: place.start()])
        if before.count('"') % 2 == 0:
            return json.dumps(value)
        return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]

    return _PLACE.sub(filled, template)


def _give_up(rule: Any, target: Target, event: Event, error: Exception) -> None:
    """To the target's dead-letter queue, with why as attributes (the code is not verified)."""
    log.warning("Rule %s could not deliver to %s: %s", rule.name, target["Arn"], error)
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if not queue:
        return
    why = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": str(error) or type(error).__name__,
    }
    attributes = {k: {"DataType": "String", "StringValue": v} for k, v in why.items()}
    _, region, name = _parsed(queue)
    try:
        body = message_of({}, rule, event)
        backend("sqs", region).send_message(name, body, message_attributes=attributes)
    except Exception:
        log.exception("The dead-letter queue %s took no event", queue)
