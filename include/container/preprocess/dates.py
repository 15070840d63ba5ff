"""Dates and datetimes in a format of the user's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from container.preprocess.schema import NULL_VALUES, Column


def parse_dates(texts: Any, column: Column) -> tuple[Any, Any]:
    """Text to dates or datetimes by the column's strptime format; a time zone becomes UTC.

    Arrow's parser is quick but lets 31 April pass as 1 May and knows no ``%f``; each distinct text
    that does not come back the same is therefore left to Python's.

    Args:
        texts: array or chunked array of strings.

    Returns:
        The dates, and whether each text was valid or a missing value.
    """
    format_ = column.custom_format
    assert format_ is not None
    encoded = _encode(texts)
    words = pc.ascii_trim(encoded.dictionary, " \t")
    moments = pc.strptime(words, format=format_, unit="s", error_is_null=True)
    same = pc.fill_null(pc.equal(pc.strftime(moments, format=format_), words), False)
    moments = moments.cast(pa.timestamp("us"))
    valid = np.ones(len(words), dtype=bool)
    if not pc.all(same).as_py():
        parsed = moments.to_pylist()
        for at in np.flatnonzero(~same.to_numpy(zero_copy_only=False)).tolist():
            word = words[at].as_py()
            parsed[at] = None if word in NULL_VALUES else _strptime(word, format_)
            valid[at] = word in NULL_VALUES or parsed[at] is not None
        moments = pa.array(parsed, pa.timestamp("us"))
    if column.kind == "date":
        moments = moments.cast(pa.date32())
    taken = moments.take(encoded.indices)
    return taken, pc.fill_null(pa.array(valid).take(encoded.indices), True)


def _encode(texts: Any) -> Any:
    """One dictionary array from an array or chunked array of strings."""
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    return pa.concat_arrays(chunks or [pa.array([], pa.string())]).dictionary_encode()


def _strptime(text: str, format_: str) -> dt.datetime | None:
    zone = "" if "%z" in format_ else "+0000"
    try:
        moment = dt.datetime.strptime(f"{text}{zone}", f"{format_}{zone and '%z'}")  # noqa: DTZ007
    except ValueError:
        return None
    return moment.astimezone(dt.timezone.utc).replace(tzinfo=None)
