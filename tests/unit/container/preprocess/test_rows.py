"""Row boundaries: those that Arrow's parser sees, however the bytes are cut."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.preprocess.rows import cut_rows, split_rows

TEXT = st.text(alphabet='ab",\n\r', min_size=1, max_size=40).map(str.encode)
FIELD = st.sampled_from(["", "a", '"a,b"', '"a\nb"', '"a""b"', 'a"b', '"\r\n"', '"""\n"""'])
LINE = st.lists(FIELD, min_size=1, max_size=4).map(",".join)
TABLE = st.lists(LINE, min_size=1, max_size=20).map(
    lambda lines: ("\n".join(lines) + "\n").encode()
)


def rows_by_arrow(data: bytes) -> int:
    skipped: list[Any] = []

    def skip(row: Any) -> str:
        skipped.append(row)
        return "skip"

    parsed = pa_csv.read_csv(
        pa.py_buffer(data),
        read_options=pa_csv.ReadOptions(
            use_threads=False, column_names=["a", "b", "c"], block_size=len(data) + 1
        ),
        parse_options=pa_csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=skip),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys("abc", pa.string())),
    )
    return int(parsed.num_rows) + len(skipped)


@settings(deadline=None, max_examples=200)
@given(TEXT | TABLE)
def test_rows_are_those_of_arrows_parser(data: bytes) -> None:
    rows = split_rows(data, ",")
    assert b"".join(data[a:b] for a, b in zip(rows.starts, rows.ends, strict=True)) == data
    if not rows.unbalanced:
        assert len(rows) == rows_by_arrow(data)


@settings(deadline=None, max_examples=200)
@given(TABLE, st.integers(30, 90))
def test_cutting_into_windows_never_cuts_a_row(data: bytes, window: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("container.preprocess.rows.LONGEST_ROW", 30)
        whole = [int(end) for end in split_rows(data, ",").ends]
        at, ends = 0, []
        while at < len(data):
            piece = data[at : at + window]
            end, _ = cut_rows(piece, ",", final=at + window >= len(data))
            ends += [at + int(e) for e in split_rows(piece[:end], ",").ends]
            at += end
    assert ends == whole
