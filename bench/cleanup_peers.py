"""Cleaning up: Frugal and the other tools on the same seeded account: ``python -m bench cleanup-peers``.

The account is the one of the tests (tests/contract/cleanup/account.py), on a local AWS of its own for each tool. Found
is what was to go and went, or was named; missed is the rest of that; wrongly taken is whatever else changed, or was
named.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench.cleaning.tools import TOOLS, Tool
from bench.harness import HOME, REPOSITORY, python_of, table
from tests.contract.cleanup.account import Account, Name, everything
from tests.contract.cleanup.seeded.light import LightAws

PAGE = REPOSITORY / "docs" / "benchmarks" / "cleanup.md"
ENVIRONMENT = "production"


@dataclass(frozen=True)
class Score:
    """What became of the account, as (kind, story) of each thing."""

    tool: Tool
    things: int
    found: list[Name]
    missed: list[Name]
    wrong: list[Name]


def main() -> None:
    arguments = parse_arguments()
    build = [sys.executable, REPOSITORY / "requirements" / "environments.py", "build", "c7n"]
    subprocess.run([str(part) for part in build], check=True)
    scores = []
    for tool in TOOLS:
        scores.append(score(tool, arguments.times))
        last = scores[-1]
        print(
            f"  {tool.name}: {len(last.found)} found, {len(last.missed)} missed, "
            f"{len(last.wrong)} wrongly taken",
            flush=True,
        )
    page = render(scores)
    print(page)
    if arguments.write:
        PAGE.write_text(page)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench cleanup-peers", description=__doc__)
    parser.add_argument("--times", type=int, default=2, help="of every story of every kind")
    parser.add_argument(
        "--no-write", dest="write", action="store_false", help="print only, leave the page alone"
    )
    return parser.parse_args()


def score(tool: Tool, times: int) -> Score:
    """Seed an account, let the tool at it, and look what changed."""
    home = HOME / "bench" / "cleanup-peers"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "envs").symlink_to(HOME / "envs")
    local = LightAws(home, free_port())
    local.start()
    try:
        account = Account(local, ENVIRONMENT)
        account.seed(everything(times))
        named = tool.use(account)
        account.settle()
        return judged(tool, account, named)
    finally:
        local.stop()
        shutil.rmtree(home, ignore_errors=True)


def judged(tool: Tool, account: Account, named: set[Name] | None) -> Score:
    before, after = account.before, account.states()
    taken = named
    if taken is None:
        taken = {name for name, state in before.items() if after.get(name) != state}
    due = {name for name, seed in account.seeds.items() if seed.acted}
    taken -= freed_by(due, account)

    def told(names: set[Name]) -> list[Name]:
        unseeded = "the account's own"
        return sorted(
            (name[0], account.seeds[name].story if name in account.seeds else unseeded)
            for name in names
        )

    return Score(tool, len(before), told(due & taken), told(due - taken), told(taken - due))


def freed_by(due: set[Name], account: Account) -> set[Name]:
    """Configurations and models that nothing needs any more once what is due is gone: nobody is blamed for them, nor
    praised. They are called after the endpoint that they were made for.
    """
    users = {name for kind, name in due if kind in ("endpoint", "endpoint-config")}
    needed = ("endpoint-config", "model")
    return {name for name in account.before if name[0] in needed and name[1] in users} - due


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def render(scores: list[Score]) -> str:
    rows = [
        [one.tool.name, one.tool.how, *(str(len(x)) for x in (one.found, one.missed, one.wrong))]
        for one in scores
    ]
    summary = table(["tool", "how", "found", "missed", "wrongly taken"], rows)
    by_kind = table(
        ["kind", *(one.tool.name for one in scores)],
        [[kind, *(cell(one, kind) for one in scores)] for kind in kinds(scores)],
    )
    wrong = "\n".join(f"- {one.tool.name}: {stories(one.wrong)}" for one in scores if one.wrong)
    version = subprocess.run(
        [str(python_of("c7n")), "-c", "import importlib.metadata as m; print(m.version('c7n'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    first = scores[0]
    template = (Path(__file__).parent / "cleaning" / "page.md").read_text()
    return template.format(
        things=first.things,
        due=len(first.found) + len(first.missed),
        version=version,
        summary=summary,
        by_kind=by_kind,
        wrong=wrong or "- nothing",
    )


def kinds(scores: list[Score]) -> list[str]:
    return sorted({kind for one in scores for kind, _ in (*one.found, *one.missed, *one.wrong)})


def cell(one: Score, kind: str) -> str:
    """Found of those that were to go, and how many others with them."""
    found, missed, wrong = (
        sum(name[0] == kind for name in names) for names in (one.found, one.missed, one.wrong)
    )
    return f"{found} of {found + missed}" + (f", +{wrong}" if wrong else "")


def stories(names: list[Name]) -> str:
    return ", ".join(
        f"{kind} ({story}{f', {count} times' if count > 1 else ''})"
        for (kind, story), count in sorted(Counter(names).items())
    )


if __name__ == "__main__":
    main()
