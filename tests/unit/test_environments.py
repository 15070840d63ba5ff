"""Environments are built once for each content of their locks, on the Python that they ask for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from requirements import environments
from requirements.environments import Environment

#: Stands in for uv: notes its arguments, and makes the venv's interpreter.
UV = """#!/bin/sh
if [ "$1" = --version ]; then echo uv 99.0.0; exit; fi
echo "$@" >> "$UV_LOG"
if [ "$1" = venv ]; then for folder; do :; done; mkdir -p "$folder/bin"; touch "$folder/bin/python"; fi
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File of uv's calls, one a line; uv itself is the stand-in above."""
    program(tmp_path / "bin" / "uv", UV)
    log = tmp_path / "calls"
    log.touch()
    monkeypatch.setenv("UV_LOG", str(log))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return log


def test_nothing_is_installed_twice(tmp_path: Path, calls: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("one\n")
    env = Environment("images/example", (lock,))
    environments.build(env, tmp_path)
    first = calls.read_text().splitlines()
    assert [line.split()[0] for line in first] == ["venv", "pip"]
    assert "--require-hashes" in first[1]
    environments.build(env, tmp_path)
    assert calls.read_text().splitlines() == first
    lock.write_text("two\n")
    environments.build(env, tmp_path)
    assert len(calls.read_text().splitlines()) == 4


def test_an_interrupted_build_is_begun_again(tmp_path: Path, calls: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("one\n")
    env = Environment("example", (lock,))
    environments.build(env, tmp_path)
    (tmp_path / "example" / "frugal-stamp").unlink()
    environments.build(env, tmp_path)
    assert len(calls.read_text().splitlines()) == 4


def test_python_is_found_behind_a_shim_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "shims" / "python3.10", "#!/bin/sh\nexit 127\n")
    real = tmp_path / "versions" / "3.10.13" / "bin" / "python3.10"
    program(real, "#!/bin/sh\necho 3 10 13\n")
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    assert environments.interpreter("3.10") == real


def test_without_the_wanted_python_the_running_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "python3.10", "#!/bin/sh\necho 3 13 0\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environments.version_of(environments.interpreter("3.10")) == sys.version_info[:3]


def test_every_image_has_an_environment_and_one_for_its_tests(repository: Path) -> None:
    known = environments.environments()
    for lock in (repository / "include" / "local_aws" / "images").glob("*.txt"):
        assert known[f"images/{lock.stem}"].locks == (lock,)
        assert known[f"tests/{lock.stem}"].base == f"images/{lock.stem}"


def test_uv_is_given_what_pip_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CERT", "company.pem")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://another.example/simple")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    given = environments.uv_settings()
    assert given["SSL_CERT_FILE"] == "company.pem"
    assert "UV_DEFAULT_INDEX" not in given


def test_an_unknown_name_is_told_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["environments.py", "build", "nonsense"])
    with pytest.raises(SystemExit, match=r"nonsense; there are airflow, local-aws"):
        environments.main()


def test_torch_is_the_cpu_build_from_its_own_index_or_from_the_links_given(
    tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "uv", UV.replace('echo "$@"', 'echo "$UV_TORCH_BACKEND $@"'))
    lock = tmp_path / "lock.txt"
    lock.write_text("numpy==1\ntorch==2.13.0+cpu\n")
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    environments.build(Environment("fetched", (lock,)), tmp_path)
    assert "cpu pip sync" in calls.read_text()
    calls.write_text("")
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl").touch()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    environments.build(Environment("linked", (lock,)), tmp_path)
    assert "cpu pip sync" not in calls.read_text()


def test_an_environment_is_left_out_where_its_python_is_missing(
    tmp_path: Path, calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("one\n")
    environments.build(Environment("example", (lock,), pythons=("2.7",)), tmp_path)
    assert not calls.read_text()
    assert "left out, it needs Python 2.7" in capsys.readouterr().out
