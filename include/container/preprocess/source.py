"""The raw objects as a stream of units of work.

A file is cut into blocks of whole rows, about 8 MB of (decompressed) CSV each, and consecutive
blocks form a unit, about 32 MB. Both depend on the bytes alone, so a unit is the same whatever
the machine, and it can be read again by its blocks' offsets. Memory is bounded by the units in
flight.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

from container.preprocess.rows import LONGEST_ROW, cut_rows, first_row_end
from container.preprocess.schema import Schema, SchemaError

BLOCK_BYTES = 8 << 20
UNIT_BYTES = 32 << 20

BROKEN_GZIP = (OSError, EOFError, zlib.error)

_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class RawFile:
    """One raw object.

    ``name`` is its path below the raw prefix, ``size`` its bytes as stored, ``first_row`` where the
    rows begin after the header, in decompressed bytes.
    """

    path: Path
    name: str
    size: int
    compressed: bool
    header: tuple[str, ...]
    dropped: tuple[str, ...]
    first_row: int

    def open(self) -> BinaryIO:
        return cast(BinaryIO, gzip.open(self.path)) if self.compressed else self.path.open("rb")


@dataclass(frozen=True)
class Block:
    """Whole rows of one file: ``length`` decompressed bytes from ``offset`` on.

    ``irregular`` marks quotes that only the slow scan understands.
    """

    file: int
    offset: int
    length: int
    irregular: bool
    data: bytes = b""


@dataclass(frozen=True)
class Unit:
    """Consecutive blocks, processed together into one Parquet file per split."""

    index: int
    blocks: list[Block] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(block.length for block in self.blocks)

    def without_data(self) -> Unit:
        return Unit(self.index, [replace(block, data=b"") for block in self.blocks])


def raw_files(directory: Path, schema: Schema) -> list[RawFile]:
    """Every CSV file below ``directory``, by name, its header checked.

    Files whose name begins with a dot or an underscore and empty files are left out.

    Raises:
        SchemaError: there is no file with a header, or a header does not fit the schema.
    """
    names = sorted(
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file() and path.name[0] not in "._" and path.stat().st_size
    )
    files = [opened for name in names if (opened := _opened(directory, name, schema)) is not None]
    if not files:
        raise SchemaError(f"there is no CSV data in the raw prefix ({len(names)} empty files)")
    return files


def _opened(directory: Path, name: str, schema: Schema) -> RawFile | None:
    path = directory / name
    with path.open("rb") as raw:
        compressed = raw.read(2) == _GZIP_MAGIC
    with gzip.open(path) if compressed else path.open("rb") as stream:
        try:
            start = stream.read(LONGEST_ROW)
        except BROKEN_GZIP as error:
            raise SchemaError(f"{name}: broken gzip data: {error}") from error
    if start.startswith(_UTF16_BOMS):
        raise SchemaError(f"{name}: the text is UTF-16; only UTF-8 is read")
    bom = len(_UTF8_BOM) if start.startswith(_UTF8_BOM) else 0
    if not start[bom:].strip():
        return None
    first_row = bom + first_row_end(start[bom:], schema.delimiter)
    text = start[bom:first_row].decode("utf-8", "replace")
    try:
        fields = next(csv.reader(io.StringIO(text, newline=""), delimiter=schema.delimiter))
    except csv.Error as error:
        raise SchemaError(f"{name}, row 1: {error}; is it a CSV file?") from error
    header = tuple(column.strip() for column in fields)
    dropped = schema.check_header(list(header), name)
    return RawFile(path, name, path.stat().st_size, compressed, header, tuple(dropped), first_row)


def read_units(files: list[RawFile], delimiter: str) -> Iterator[Unit]:
    """Read all files, in order, as units.

    Raises:
        SchemaError: a row does not end, or gzip data is broken; the message has the place.
    """
    unit = Unit(0)
    for number, file in enumerate(files):
        for block in _blocks(number, file, delimiter):
            if unit.blocks and unit.bytes + block.length > UNIT_BYTES:
                yield unit
                unit = Unit(unit.index + 1)
            unit.blocks.append(block)
    if unit.blocks:
        yield unit


def reread_units(files: list[RawFile], units: Iterable[Unit]) -> Iterator[Unit]:
    """Read the given units (ascending, without data) once more."""
    number, stream = -1, None
    try:
        for unit in units:
            blocks = []
            for block in unit.blocks:
                if block.file != number:
                    if stream is not None:
                        stream.close()
                    number, stream = block.file, files[block.file].open()
                assert stream is not None
                stream.seek(block.offset)
                blocks.append(replace(block, data=stream.read(block.length)))
            yield Unit(unit.index, blocks)
    finally:
        if stream is not None:
            stream.close()


def _blocks(number: int, file: RawFile, delimiter: str) -> Iterator[Block]:
    with file.open() as stream:
        stream.seek(file.first_row)
        offset, rest = file.first_row, b""
        while True:
            try:
                window = rest + _read_fully(stream, BLOCK_BYTES - len(rest))
            except BROKEN_GZIP as error:
                raise SchemaError(
                    f"{file.name}: broken gzip data after byte {offset}: {error}"
                ) from error
            final = len(window) < BLOCK_BYTES
            if not window:
                return
            try:
                end, irregular = cut_rows(window, delimiter, final)
            except ValueError as error:
                raise SchemaError(
                    f"{file.name}: after byte {offset}, {error}; is it a CSV file?"
                ) from error
            yield Block(number, offset, end, irregular, window[:end])
            offset, rest = offset + end, window[end:]


def _read_fully(stream: BinaryIO, size: int) -> bytes:
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
