"""Imports run downwards only: dags, pipelines, stages, serving/cleanup/ui, cost/jobs, spec/aws."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

#: What each part of frugal may import of frugal, besides itself. A part that is missing here fails the test.
BELOW = {
    "spec": set(),
    "aws": {"spec"},
    "jobs": {"spec", "aws", "cost"},
    "cost": {"spec", "aws"},
    "events": {"spec", "aws"},
    "serving": {"jobs", "cost", "spec", "aws"},
    "cleanup": {"jobs", "cost", "spec", "aws"},
    "retraining": {"jobs", "cost", "spec", "aws"},
    "ui": {"cost", "spec", "aws"},
    "stages": {"serving", "jobs", "cost", "spec", "aws"},
    "report": {"stages", "serving", "jobs", "cost", "spec", "aws"},
    "pipelines": {
        "report",
        "stages",
        "retraining",
        "cleanup",
        "serving",
        "events",
        "jobs",
        "cost",
        "spec",
        "aws",
    },
    "local": set(),
    "cli": {"local", "stages", "cleanup", "serving", "events", "jobs", "cost", "spec", "aws"},
}
#: Never imported when a DAG file is parsed: they cost more than the file's whole budget.
HEAVY = {"boto3", "botocore", "aiobotocore", "pandas", "numpy", "pyarrow", "xgboost", "sagemaker"}


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Dotted names that a module imports; with `top_level` those that importing it runs."""
    pending: list[ast.AST] = [parsed(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif top_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif top_level and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
            continue
        pending.extend(ast.iter_child_nodes(node))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def frugal_parts(repository: Path) -> Iterator[tuple[str, Path]]:
    root = repository / "plugins" / "frugal"
    for path in modules(root):
        part = path.relative_to(root).parts[0].removesuffix(".py")
        if part != "__init__":
            yield part, path


def test_frugal_imports_downwards_only(repository: Path) -> None:
    wrong = []
    for part, path in frugal_parts(repository):
        assert part in BELOW, f"{path}: say in BELOW what frugal.{part} may import"
        for name in imports(path):
            if name.startswith("frugal."):
                other = name.split(".")[1]
                if other in BELOW and other != part and other not in BELOW[part]:
                    wrong.append(f"{path.relative_to(repository)} imports {name}")
    assert not wrong


@pytest.mark.parametrize(
    ("folder", "banned"),
    [
        ("plugins", {"container", "local_aws", "demo", "bench", "dags"}),
        ("dags", {"container", "local_aws", "demo", "bench"}),
        ("include/container", {"frugal", "local_aws", "airflow", "demo", "bench"}),
        ("include/local_aws", {"frugal", "airflow", "demo", "bench"}),
        ("include/models", {"frugal", "local_aws", "airflow", "demo", "bench"}),
    ],
)
def test_rooms_share_only_the_api_and_files(
    repository: Path, folder: str, banned: set[str]
) -> None:
    files = modules(repository / folder)
    assert files, f"{folder} holds no module: mend this test"
    wrong = [
        f"{path.relative_to(repository)} imports {name}"
        for path in files
        for name in imports(path)
        if name.split(".")[0] in banned
    ]
    assert not wrong


def test_dag_files_import_nothing_heavy(repository: Path) -> None:
    wrong = [
        f"{path.relative_to(repository)} imports {name} at its top level"
        for path in [*modules(repository / "dags"), *modules(repository / "plugins")]
        for name in imports(path, top_level=True)
        if name.split(".")[0] in HEAVY
    ]
    assert not wrong
