"""The tree says nothing of one machine, and nothing about where packages came from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

#: Folders that exist on somebody's machine alone, and hosts that a mirror or another registry would replace.
PERSONAL = re.compile(r"(?<![\w.$}-])/(?:home/(?!airflow\b)\w+|root|Users/\w+|work|mnt|media)/")
REGISTRY = re.compile(
    r"\b(?:files\.)?(?:pypi|pythonhosted|npmjs|npm\.registry|deb\.debian)\.(?:org|com)\b"
)


def tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [repository / name for name in listed.split("\0") if name]


@pytest.mark.parametrize("pattern", [PERSONAL, REGISTRY], ids=["machine paths", "registry hosts"])
def test_no_file_names(repository: Path, pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked(repository):
        if path == Path(__file__) or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        found += [
            f"{path.relative_to(repository)}: {hit.group()}" for hit in pattern.finditer(text)
        ]
    assert not found


def test_every_lock_is_hashed(repository: Path) -> None:
    locks = [
        path
        for path in tracked(repository)
        if path.suffix == ".txt" and path.with_suffix(".in").exists()
    ]
    assert locks
    for lock in locks:
        pins = [line for line in lock.read_text().splitlines() if re.match(r"[a-z0-9]", line)]
        assert pins, lock
        assert all(re.fullmatch(r"\S+==\S+ .*\\", pin) for pin in pins), lock
