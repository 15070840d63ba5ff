"""`frugal local fault`: what shall go wrong in the local AWS that runs.

Its README says which faults there are; the local AWS itself checks what it is given.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from frugal.cli.common import Json, fail
from frugal.local import LocalAws

fault = typer.Typer(no_args_is_help=True, help="What shall go wrong in the local AWS.")

PAGE = "/_local/faults"


@fault.command()
def add(
    kind: Annotated[str | None, typer.Argument(help="reclaim, no-capacity, throttle, ...")] = None,
    keys: Annotated[list[str] | None, typer.Argument(help="key=value ...")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="A plan: rules in YAML or JSON.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a rule, or a file's: frugal local fault add reclaim job='*-train-*' at=2 count=5."""
    if (kind is None) == (file is None):
        fail("give a kind of fault with its keys, or --file, and not both")
    rules = _read(file) if file else {"fault": kind, **dict(map(_key, keys or []))}
    _show(_ask("POST", "", rules)["rules"], as_json)


@fault.command("list")
def list_rules(as_json: Json = False) -> None:
    """Show every rule, how often each struck included."""
    answer = _ask("GET")
    _show(answer if as_json else answer["rules"], as_json)


@fault.command()
def clear(
    rule: Annotated[int | None, typer.Argument(help="Its id; default: every rule.")] = None,
) -> None:
    """Remove a rule, or all of them."""
    count = _ask("DELETE", "" if rule is None else f"/{rule}")["cleared"]
    typer.echo(f"{count} cleared")


def _key(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not (name and equals):
        fail(f"{word!r} was given, allowed is key=value, as in count=2")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        fail(f"{word}: {error}")


def _read(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        fail(f"{file}: {error}")


def _ask(method: str, path: str = "", body: Any = None) -> dict[str, Any]:
    return LocalAws.load().ask(method, f"{PAGE}{path}", body)


def _show(rules: Any, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rules))
        return
    for rule in rules:
        keys = (f"{k}={v}" for k, v in rule.items() if k not in ("id", "fault", "fired"))
        typer.echo(f"{rule['id']}: {' '.join([rule['fault'], *keys])} (struck {rule['fired']}x)")
