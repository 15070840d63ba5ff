"""Unpacking model archives so that they write nowhere but where they are told to.

Runs in Neo's image too: Python 3.6.
"""

import tarfile


def extract(archive: str, target: str) -> None:
    """Unpack the files and directories of a tar archive below ``target``.

    Raises:
        tarfile.TarError: it is no readable archive, or a member would leave ``target``.
    """
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(target, filter="data")
            return
        members = packed.getmembers()
        for member in members:
            inside = not member.name.startswith("/") and ".." not in member.name.split("/")
            if not inside or not (member.isreg() or member.isdir()):
                raise tarfile.TarError(f"refused to unpack {member.name!r}")
        packed.extractall(target, members=members)  # noqa: S202
