"""Build and lock the Python environments that Frugal runs in.

    python3 requirements/environments.py build [NAME ...]    all but the rare without a NAME; `images`: all images/*
    python3 requirements/environments.py lock [NAME ...]     resolve the *.in files again; without a NAME, anew

Every environment is installed from hashed requirement files alone and carries a stamp of them, so nothing
is installed twice while they do not change. Needs Python >= 3.11 and the standard library; `uv` is taken
from PATH when it is recent enough, else the pinned one is installed under the Frugal home.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
IMAGES = REPOSITORY / "include" / "local_aws" / "images"
CONTAINER = REPOSITORY / "include" / "container"
HOME = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve()
ENVS = HOME / "envs"
#: Minor versions of Python for whose CPU build of torch its lock has a hash. AWS's image has 3.12.
TORCH_PYTHONS = ("3.11", "3.12")
LOCK = ("--universal", "--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet")


@dataclass(frozen=True)
class Environment:
    """One virtual environment: the locks it is installed from and the Python it prefers.

    `python` is a minor version to look for; None, or one that is not found, is the running interpreter.
    `base` names an environment whose packages are visible too, and which stays as it is. One that is `rare`
    is built only when it is named. One with `pythons` is left out where none of these minor versions is found.
    """

    name: str
    locks: tuple[Path, ...]
    python: str | None = None
    base: str | None = None
    rare: bool = False
    pythons: tuple[str, ...] = ()


def environments() -> dict[str, Environment]:
    """All environments by name. AWS's XGBoost 3.0 image holds Python 3.10, so images ask for that."""
    pytest = HERE / "pytest.txt"
    found = [
        Environment("airflow", (HERE / "airflow.txt", HERE / "dev.txt")),
        Environment("local-aws", (HERE / "local-aws.txt",)),
        Environment("data", (HERE / "data.txt",)),
        Environment("bench", (HERE / "bench.txt",), python="3.10"),
        Environment("evidently", (HERE / "evidently.txt",), python="3.10", rare=True),
        Environment("c7n", (HERE / "c7n.txt",), rare=True),
        Environment("sdk", (HERE / "sdk.txt",)),
        Environment("awscli", (HERE / "awscli.txt",)),
        Environment("tests/local-aws", (pytest,), base="local-aws"),
    ]
    found += [  # older ones, each alone: a test lays them over airflow's
        Environment(f"providers/{lock.stem}", (lock,)) for lock in sorted(HERE.glob("amazon-*.txt"))
    ]
    for lock in sorted(IMAGES.glob("*.txt")):
        image, only = f"images/{lock.stem}", TORCH_PYTHONS if needs_torch(lock) else ()
        python = only[0] if only else "3.10"
        found.append(Environment(image, (lock,), python, pythons=only))
        found.append(Environment(f"tests/{lock.stem}", (pytest,), python, image, pythons=only))
    return {env.name: env for env in found if all(lock.exists() for lock in env.locks)}


def needs_torch(lock: Path) -> bool:
    return lock.exists() and "\ntorch==" in lock.read_text()


def run(*command: str | Path, **settings: str) -> None:
    result = subprocess.run(
        [str(part) for part in command],
        env=os.environ | settings,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{result.stdout}")


def version_of(python: str | Path) -> tuple[int, ...]:
    """The version that an interpreter really has; () when it does not run (a version manager's empty shim)."""
    code = "import sys; print(*sys.version_info[:3])"
    with contextlib.suppress(OSError):
        probe = subprocess.run([str(python), "-c", code], capture_output=True, text=True)
        if probe.returncode == 0:
            return tuple(map(int, probe.stdout.split()))
    return ()


def interpreter(wanted: str | None) -> Path:
    """An interpreter of the wanted minor version, from PATH or beside a pyenv shim, else the running one."""
    here = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    if wanted is None:
        return here
    name = f"python{wanted}"
    for folder in map(Path, os.environ.get("PATH", "").split(os.pathsep)):
        installed = sorted(folder.parent.glob(f"versions/{wanted}.*/bin/{name}"), reverse=True)
        for candidate in (folder / name, *installed):
            if candidate.exists() and version_of(candidate)[:2] == tuple(
                map(int, wanted.split("."))
            ):
                return candidate
    return here


def find_uv() -> Path:
    """`uv` from PATH or the Frugal home, of the pinned version or newer; installed there when there is none."""
    pinned = (HERE / "uv.in").read_text().strip().partition("==")[2]
    own = HOME / "tools" / "bin" / "uv"
    for candidate in (shutil.which("uv"), own):
        if candidate and Path(candidate).exists():
            said = subprocess.run(
                [candidate, "--version"], capture_output=True, text=True
            ).stdout.split()
            if len(said) > 1 and numbers(said[1]) >= numbers(pinned):
                return Path(candidate)
    print(f"uv {pinned}: installing", flush=True)
    shutil.rmtree(own.parent.parent, ignore_errors=True)
    pip = [
        *find_pip(),
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ]
    run(*pip, "--target", own.parent.parent, "-r", HERE / "uv.txt")
    return own


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def find_pip() -> list[str]:
    """A command that runs pip: the interpreter's own, or one from a venv made for it."""
    if (
        subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode
        == 0
    ):
        return [sys.executable, "-m", "pip"]
    minor = f"python3.{sys.version_info.minor}-venv"
    if subprocess.run(
        [sys.executable, "-m", "ensurepip", "--version"], capture_output=True
    ).returncode:
        if os.geteuid() or not shutil.which("apt-get"):
            raise SystemExit(
                f"This Python has neither pip nor venv: run `apt-get install {minor}`, or put uv on PATH."
            )
        print(f"{minor}: installing", flush=True)
        run("apt-get", "update", "-qq")
        run(
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "python3-venv",
            DEBIAN_FRONTEND="noninteractive",
        )
    venv = HOME / "tools" / "pip"
    run(sys.executable, "-m", "venv", "--clear", venv)
    return [str(venv / "bin" / "python"), "-m", "pip"]


def uv_settings() -> dict[str, str]:
    """uv's view of the settings that pip was given, and no interpreter downloads."""
    same = {
        "UV_FIND_LINKS": "PIP_FIND_LINKS",
        "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
        "SSL_CERT_FILE": "PIP_CERT",
    }
    given = {
        uv: os.environ[pip]
        for uv, pip in same.items()
        if os.environ.get(pip) and uv not in os.environ
    }
    return given | {"UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON_PREFERENCE": "only-system"}


def torch_settings(env: Environment) -> dict[str, str]:
    """Where the CPU build of torch is found: on PyTorch's own index, which uv knows, or in PIP_FIND_LINKS.

    The build on PyPI is CUDA's, with gigabytes of libraries; the lock names the CPU's and takes no other.
    """
    links = Path(os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS") or "/nowhere")
    if not any(map(needs_torch, env.locks)) or any(links.glob("torch-*.whl")):
        return {}
    return {"UV_TORCH_BACKEND": "cpu"}


def build(env: Environment, home: Path = ENVS) -> None:
    """Make one environment's folder hold exactly what its locks say."""
    folder, python = home / env.name, interpreter(env.python)
    version = version_of(python)
    if env.pythons and ".".join(map(str, version[:2])) not in env.pythons:
        print(f"{env.name}: left out, it needs Python {' or '.join(env.pythons)}", flush=True)
        return
    if version < (3, 10):
        raise SystemExit(
            f"{python} is Python {'.'.join(map(str, version))}; Frugal needs 3.11 or newer."
        )
    content = [
        *(lock.read_bytes() for lock in env.locks),
        repr((version, env.base)).encode(),
    ]
    stamp = hashlib.sha256(b"\0".join(content)).hexdigest()
    marker = folder / "frugal-stamp"
    if marker.exists() and marker.read_text() == stamp and (folder / "bin" / "python").exists():
        return
    started = time.monotonic()
    print(f"{env.name}: installing, Python {'.'.join(map(str, version))}", flush=True)
    uv, settings = find_uv(), uv_settings() | torch_settings(env)
    run(uv, "venv", "--quiet", "--clear", "--python", python, folder, **settings)
    run(
        uv,
        "pip",
        "sync",
        "--quiet",
        "--require-hashes",
        "--python",
        folder / "bin" / "python",
        *env.locks,
        **settings,
    )
    if env.base:
        lib = f"lib/python{version[0]}.{version[1]}/site-packages"
        (folder / lib / "base.pth").write_text(f"{home / env.base / lib}\n")
    marker.write_text(stamp)
    print(f"{env.name}: ready after {time.monotonic() - started:.0f} s", flush=True)


def lock(source: Path, upgrade: bool) -> None:
    """Resolve one *.in file into the hashed *.txt beside it; `upgrade` lets go of the pins that are there."""
    oldest = source.parent in (IMAGES, CONTAINER) or source.stem in ("pytest", "bench", "evidently")
    oldest = oldest and "\ntorch==" not in source.read_text()
    options = [*LOCK, "--python-version", "3.10" if oldest else "3.11"]
    options += ["--no-deps"] if source.stem.startswith(("data", "amazon-")) else []
    options += ["--upgrade"] if upgrade else []
    target = source.with_suffix(".txt")
    print(target.relative_to(REPOSITORY), flush=True)
    subprocess.run(
        [find_uv(), "pip", "compile", *options, source.name, "-o", target.name],
        cwd=source.parent,
        env=os.environ | uv_settings(),
        check=True,
    )


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One build at a time: a second `make` waits for the first."""
    ENVS.mkdir(parents=True, exist_ok=True)
    with (ENVS / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def members(name: str, known: list[str]) -> list[str]:
    """The environments that a name stands for: itself, or all in the folder of that name."""
    return [other for other in known if other.startswith(f"{name}/")] or [name]


def main() -> None:
    """The two commands above."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["build", "lock"])
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - the one file that older ones run
        raise SystemExit(
            f"Frugal needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}."
        )
    known = environments()
    sources = {
        source.stem: source
        for folder in (HERE, IMAGES, CONTAINER)
        for source in sorted(folder.glob("*.in"))
    }
    allowed = list(known) if given.command == "build" else list(sources)
    names = [name for given_name in given.names for name in members(given_name, allowed)]
    if unknown := [name for name in names if name not in allowed]:
        raise SystemExit(
            f"no such environment: {', '.join(unknown)}; there are {', '.join(allowed)}"
        )
    if not names:
        names = [name for name in allowed if given.command == "lock" or not known[name].rare]
    with alone():
        for name in names:
            if given.command == "lock":
                lock(sources[name], upgrade=not given.names)
                continue
            env = known[name]
            if env.base:
                build(known[env.base])
            build(env)


if __name__ == "__main__":
    main()
