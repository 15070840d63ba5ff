"""`frugal choose`: every form of serving compared by price."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from frugal.aws.settings import Settings
from frugal.cli.common import Json, Model, fail, spec_of
from frugal.serving.chooser import Choice, ModelFacts, Option, choose
from frugal.serving.chooser.auto import question
from frugal.serving.chooser.question import NoTraffic, Question
from frugal.spec import SpecError

Region = Annotated[
    str | None, typer.Option(help="Default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1.")
]

advice = typer.Typer()


@advice.command("choose")
def choose_command(
    model: Model,
    region: Region = None,
    learn: Annotated[
        bool,
        typer.Option(
            "--learn",
            help="First keep beside model.yaml what the champion's run, and right_size, measured.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare every form of serving for the model's traffic, and say which is cheapest and why."""
    try:
        if learn:
            _learn(model)
        asked = question(spec_of(model), region)
        choice = choose(asked)
    except (NoTraffic, LookupError, SpecError) as error:
        fail(error)
    if as_json:
        typer.echo(json.dumps(choice_document(asked, choice), indent=2))
    else:
        show_choice(asked, choice, Console())


def choice_document(asked: Question, choice: Choice) -> dict[str, Any]:
    """The comparison as JSON values; `monthly` in USD, null when a price is unknown."""
    return {
        "model": asked.spec.name,
        "region": asked.region,
        "prices_as_of": asked.prices.as_of,
        "facts": asked.facts.as_dict(),
        "traffic": asked.traffic.model_dump(mode="json"),
        "options": [vars(option) for option in choice.options],
        "best": choice.best.name if choice.best else None,
        "runner_up": choice.runner_up.name if choice.runner_up else None,
        "break_evens": list(choice.break_evens),
    }


def show_choice(asked: Question, choice: Choice, console: Console) -> None:
    """The comparison for a person: what is open by cost, what is unknown, what is ruled out and why."""
    traffic = asked.traffic
    console.print(
        f"{asked.spec.name}: {traffic.requests_per_day:,.0f} requests a day in {asked.region}, "
        f"prices of {asked.prices.as_of}; model: {asked.facts.source}\n",
        highlight=False,
    )
    table = Table("strategy", "on", "USD a month", "p95", "because", box=None, pad_edge=False)
    for option in choice.options:
        if option.ruled_out is None:
            table.add_row(
                option.strategy, option.size, usd(option.monthly), _ms(option), option.how
            )
    console.print(table)
    console.print("\nRuled out:")
    for strategy, sizes, reason in _grouped(choice.options):
        console.print(f"  {strategy} on {sizes}: {reason}", highlight=False)
    console.print("\nCheapest:")
    for sentence in choice.break_evens:
        console.print(f"  {sentence}", highlight=False)
    console.print(f"\nChosen: {chosen(choice)}", highlight=False)


def _learn(model: str) -> None:
    """Write measured.json from the champion's run. Raises LookupError when there is none, or it measured nothing."""
    from frugal.aws import clients, registry

    champion = registry.champion(model)
    if champion is None:
        raise LookupError(f"{model}: no approved model to learn from")
    run, _, _ = champion.model_data.partition("/model/")
    compiled = (f"{run}/compiled/check/compile.json", f"{run}/compiled/compile.json")
    document = next(filter(None, map(clients.read_json, compiled)), None)
    latency = (
        document["latency"]["after"]
        if document
        else clients.read_json(f"{run}/evaluation/parity/latency.json")
    )
    if latency is None or "memory_mb" not in latency:
        raise LookupError(f"{run}: holds no measurement of memory and cold start")
    folder = Settings.load().models / model
    source = f"measured in {run.rpartition('/')[2]}, {latency['runtime']}"
    facts = ModelFacts.read(folder).learnt(latency, source)
    sizes = clients.read_json(f"{run.partition('/runs/')[0]}/right_size.json")
    (facts.right_sized(sizes["serving"]) if sizes else facts).write(folder)


def _grouped(options: Iterable[Option]) -> Iterator[tuple[str, str, str]]:
    """Strategy, sizes and reason of what is ruled out; sizes of one reason together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for option in options:
        if option.ruled_out is not None:
            groups.setdefault((option.strategy, option.ruled_out), []).append(option.size)
    for (strategy, reason), sizes in groups.items():
        yield strategy, ", ".join(sizes) if len(sizes) < 4 else f"{len(sizes)} sizes", reason


def chosen(choice: Choice) -> str:
    """The best option and the runner-up in a sentence."""
    if choice.best is None:
        return "nothing: no form is both allowed and of known price"
    text = f"{choice.best.name}, {usd(choice.best.monthly)} USD a month"
    if choice.runner_up is None:
        return text
    return f"{text}. Runner-up: {choice.runner_up.name}, {usd(choice.runner_up.monthly)}"


def usd(amount: float | None, *, digits: int = 2) -> str:
    """An amount, or that it is unknown."""
    return "unknown" if amount is None else f"{amount:,.{digits}f}"


def _ms(option: Option) -> str:
    return "" if option.p95_ms is None else f"{option.p95_ms:,.0f} ms"
