"""Archives from S3 write nowhere but where they are told to, on every Python that there is."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "include" / "local_aws" / "toolkit"))

import _archive


@pytest.fixture(params=["with the data filter", "as on Python 3.11.2"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param.startswith("as on"):
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python's tarfile has no filters")


def packed(path: Path, name: str, **attributes: Any) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = 1 if not attributes else 0
        for key, value in attributes.items():
            setattr(member, key, value)
        archive.addfile(member, io.BytesIO(b"1"))
    return path


@pytest.mark.usefixtures("python")
def test_plain_members_are_unpacked(tmp_path: Path) -> None:
    _archive.extract(packed(tmp_path / "a.tar.gz", "model/weights"), tmp_path / "target")
    assert (tmp_path / "target" / "model" / "weights").read_bytes() == b"1"


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("../outside", {}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("link", {"type": tarfile.LNKTYPE, "linkname": "../../outside"}),
        ("device", {"type": tarfile.CHRTYPE}),
    ],
)
def test_what_leads_outside_is_refused(
    tmp_path: Path, name: str, attributes: dict[str, Any]
) -> None:
    with pytest.raises(tarfile.TarError):
        _archive.extract(packed(tmp_path / "a.tar.gz", name, **attributes), tmp_path / "target")
    assert not (tmp_path / "outside").exists()
