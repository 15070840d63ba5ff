"""`frugal cleanup` and `frugal restore`: a night by hand, and its way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from frugal.cli.common import Json, fail
from frugal.cli.lifecycle import lifecycle

cleanup = typer.Typer(invoke_without_command=True)
cleanup.add_typer(lifecycle)
restoring = typer.Typer()

Recipes = Annotated[list[str], typer.Argument(help="Ids of recipes, as the report names them.")]


@cleanup.callback()
def cleanup_command(
    context: typer.Context,
    apply: Annotated[
        bool, typer.Option("--apply/--plan", help="Mark and act; default: show the plan.")
    ] = False,
    above_caps: Annotated[
        bool, typer.Option("--above-caps", help="With --apply: act above the caps, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --apply: do not ask.")] = False,
    rules: Annotated[
        Path | None, typer.Option(help="Rules; default: include/cleanup.yaml.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find what nobody needs in the account's default region, by include/cleanup.yaml; see docs/guides/cleanup.md."""
    if context.invoked_subcommand is not None:
        return
    from frugal.cleanup import night
    from frugal.cleanup.plan import Verdict
    from frugal.cleanup.rules import RulesError, load_rules

    try:
        policy = load_rules(rules)
    except RulesError as error:
        fail(error)
    account = night.here()
    plan = night.plan(account, policy)
    if as_json and not apply:
        typer.echo(json.dumps(plan.as_json(), indent=2))
        return
    if not as_json:
        typer.echo("\n".join(_lines(plan)))
    if not apply:
        return
    acts, marks = plan.of(Verdict.ACT), plan.of(Verdict.MARK)
    if plan.exceeded and not above_caps:
        typer.echo("above the caps: nothing is acted on without --above-caps", err=True)
        acts = ()
    if (acts or marks) and not yes:
        typer.confirm(f"Act on {len(acts)}, and mark {len(marks)}?", abort=True)
    failed = night.mark(account, plan)
    name = f"by-hand-{plan.made:%Y-%m-%dT%H-%M-%S.%fZ}"
    done = night.sweep(account, policy, plan, name, above_caps=above_caps)
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in done], indent=2))
    for line in () if as_json else done:
        recipe = f" (restore: {line.recipe})" if line.recipe else ""
        typer.echo(f"{line.outcome} {line.item.action} {line.item.resource}: {line.reason}{recipe}")
    for problem in failed:
        typer.echo(f"not marked: {problem}", err=True)
    if failed or any(one.outcome == "failed" for one in done):
        raise typer.Exit(1)


@restoring.command("restore")
def restore_command(recipes: Recipes) -> None:
    """Bring back what cleaning up took, from its recipe. What stands already is left as it is."""
    from frugal.cleanup import night
    from frugal.cleanup.kind import Irreversible
    from frugal.cleanup.kinds.sagemaker import NotPossible

    account = night.here()
    for recipe in recipes:
        try:
            lines = night.restore(account, recipe)
        except (LookupError, Irreversible, NotPossible) as error:
            fail(error)
        for line in lines or [f"{recipe}: all of it stands"]:
            typer.echo(f"restored {line}")


def _lines(plan: object) -> Iterator[str]:
    """The plan as people read it: what is due first, then what is found, spared and somebody else's."""
    from frugal.cleanup.plan import Plan, Verdict

    assert isinstance(plan, Plan)
    for verdict in (Verdict.ACT, Verdict.MARK, Verdict.WAIT, Verdict.SPARE, Verdict.REPORT):
        for item in plan.of(verdict):
            price = "unknown" if item.monthly is None else f"{item.monthly:.2f}"
            due = f", due {item.due:%Y-%m-%d %H:%M}" if item.due and verdict != Verdict.ACT else ""
            yield (
                f"{verdict:6} {item.action or '-'} {item.resource}: {item.reason}{due} "
                f"[{item.rule}, USD {price} a month]"
            )
    for kind, why in plan.unseen.items():
        yield f"not seen: {kind}: {why}"
    for cap in plan.exceeded:
        yield f"above a cap: {cap}"
    counts = ", ".join(f"{len(plan.of(verdict))} {verdict}" for verdict in Verdict)
    yield f"looked at {sum(plan.looked.values())} things: {counts}"
