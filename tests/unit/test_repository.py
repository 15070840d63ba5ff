"""The tree says nothing of one machine, and nothing about where packages came from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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


def test_what_users_install_admits_what_is_locked(repository: Path) -> None:
    lock = (repository / "requirements" / "airflow.txt").read_text()
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    lines = (repository / "requirements.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert wanted
    for requirement in wanted:
        assert requirement.name != "apache-airflow", "a deployment brings its own"
        assert pins[requirement.name.lower()] in requirement.specifier, requirement
