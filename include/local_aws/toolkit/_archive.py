"""Unpacking archives from S3 so that they write nowhere but where they are told to."""

from __future__ import annotations

import tarfile
from pathlib import Path


def extract(archive: Path, target: Path) -> None:
    """Unpack a tar archive (compressed or not) below ``target``, under the ``data`` filter's rules.

    Raises:
        tarfile.TarError: it is no readable archive, or a member would leave ``target``.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(target, filter="data")
        else:  # Debian 12's Python 3.11.2 has no filters: take files and directories inside, nothing else
            packed.extractall(target, members=_plain(packed))  # noqa: S202


def _plain(packed: tarfile.TarFile) -> list[tarfile.TarInfo]:
    members = packed.getmembers()
    for member in members:
        name = Path(member.name)
        if name.is_absolute() or ".." in name.parts or not (member.isreg() or member.isdir()):
            raise tarfile.TarError(f"refused to unpack {member.name!r}")
        member.mode &= 0o755
    return members
