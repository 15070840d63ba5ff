"""What raw files may look like: line ends, quotes, encodings, compression, several of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from container.preprocess.schema import SchemaError
from tests.unit.container.preprocess.sales import HEADER, Lab, row, rows, table


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "open"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_line_ends_and_byte_order_mark(lab: Lab, end: str, last: bool, bom: bytes) -> None:
    content = bom + table(*rows(5), row(5, price="x"), row(6), end=end)
    lab.run(content if last else content.removesuffix(end.encode()))
    assert lab.ids() == ["h0", "h1", "h2", "h3", "h4", "h6"]
    assert lab.faults() == [("sales.csv", 7, "wrong_type: price: 'x' is not a number")]
    assert lab.quarantined()[0]["raw"] == row(5, price="x")


def test_blank_rows_count_as_rows_of_the_file_but_not_as_bad(lab: Lab) -> None:
    manifest = lab.run(table(*rows(3), "", row(3), "", row(4, price="x"), ""))
    assert manifest["rows"] | {"train": 0, "validation": 0, "test": 0} == {
        "raw": 5,
        "train": 0,
        "validation": 0,
        "test": 0,
        "quarantined": 1,
    }
    assert [at for _, at, _ in lab.faults()] == [8]


def test_quoted_values_may_hold_delimiters_quotes_and_line_breaks(lab: Lab) -> None:
    lab.spec["data"]["columns"]["note"] = {"type": "string"}
    notes = ['"two\nlines"', '"a ""quoted"" word"', '"a, b"', 'an 8" pipe', '"\r\n"']
    lines = [f"{row(number)},{note}" for number, note in enumerate(notes)]
    lab.run(table(*lines, row(9, price="x") + ",", header=HEADER + ",note"))
    assert sorted(lab.written()["note"].to_pylist()) == sorted(
        ["two\nlines", 'a "quoted" word', "a, b", 'an 8" pipe', "\r\n"]
    )
    assert [at for _, at, _ in lab.faults()] == [7]


def test_quoted_line_breaks_at_every_block_boundary(
    labs: Callable[[], Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        row(n, grade='"a"' if n % 3 else "b") + f',"x\n{"y" * (n % 17)},""\n"' for n in range(60)
    ]
    lines[40] = row(40, price="x") + ",z"
    content = table(*lines, header=HEADER + ",note")
    expected = None
    for size in [200, 301, 402, 1003, 1 << 20]:
        monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", size)
        lab = labs()
        lab.spec["data"]["columns"]["note"] = {"type": "string"}
        lab.run(content)
        found = (sorted(lab.written().to_pylist(), key=str), lab.faults())
        expected = expected or found
        assert found == expected
    assert expected is not None
    assert [at for _, at, _ in expected[1]] == [42]


def test_a_quote_that_never_closes_costs_one_row(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", 4096)
    monkeypatch.setattr("container.preprocess.rows.LONGEST_ROW", 1024)
    lines = rows(3_000)
    lines[100] = row(100, grade='"b')
    lab.run(table(*lines))
    assert lab.faults() == [("sales.csv", 102, "unbalanced_quote: a quote is never closed")]


def test_gzip_gives_the_same_data_set_as_plain_text(
    labs: Callable[[], Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", 8192)
    monkeypatch.setattr("container.preprocess.source.UNIT_BYTES", 16384)
    content = table(*rows(2_000), row(7), row(1_500, id="bad", price="x"))
    plain, packed = labs(), labs()
    plain.put("sales.csv", content)
    packed.put("sales.csv.gz", content)
    plain.run()
    packed.run()
    assert plain.content() == packed.content()
    assert [fault[1:] for fault in plain.faults()] == [fault[1:] for fault in packed.faults()]
    assert [at for _, at, _ in packed.faults()] == [2003, 2002]


def test_broken_gzip_is_said_to_be(lab: Lab) -> None:
    lab.put("sales.csv.gz", table(*rows(5_000)))
    path = lab.places.raw / "sales.csv.gz"
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(SchemaError, match=r"sales\.csv\.gz: broken gzip data"):
        lab.run()


def test_gzip_data_that_changed_on_its_way_is_said_to_be_broken(lab: Lab) -> None:
    lab.put("sales.csv.gz", table(*rows(300)))
    path = lab.places.raw / "sales.csv.gz"
    whole = path.read_bytes()
    for at in range(20, len(whole), len(whole) // 40):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with pytest.raises(SchemaError, match=r"sales\.csv\.gz"):
            lab.run()


def test_files_are_read_by_name_and_each_by_its_own_header(lab: Lab) -> None:
    turned = ",".join(reversed(HEADER.split(",")))
    line = ",".join(reversed(row(3).split(",")))
    lab.put("b/second.csv", table(line, "x", header=turned))
    lab.put("a.csv", table(*rows(3), row(9, price="?")))
    lab.put("_SUCCESS", b"")
    lab.put("empty.csv", b"")
    manifest = lab.run()
    assert lab.ids() == ["h0", "h1", "h2", "h3"]
    assert lab.faults() == [
        ("a.csv", 5, "wrong_type: price: '?' is not a number"),
        ("b/second.csv", 3, "wrong_column_count: 1 instead of 7"),
    ]
    assert manifest["bytes"]["raw"] == sum(
        path.stat().st_size for path in lab.places.raw.rglob("*.csv")
    )


def test_other_delimiters(lab: Lab) -> None:
    lab.spec["data"]["delimiter"] = ";"
    lab.run(table(*rows(4)).replace(b",", b";"))
    assert len(lab.ids()) == 4


def test_columns_that_nobody_asked_for_are_dropped_and_noted(lab: Lab) -> None:
    manifest = lab.run(table(*(f"{line},x" for line in rows(3)), header=HEADER + ",agent"))
    assert manifest["dropped_columns"] == {"sales.csv": ["agent"]}
    assert lab.written().column_names == HEADER.split(",")


def test_columns_that_a_spreadsheet_left_empty_are_dropped(lab: Lab) -> None:
    lab.run(
        table(*(f"{line},," for line in rows(3)), row(3, price="x") + ",,", header=HEADER + ",,")
    )
    assert lab.ids() == ["h0", "h1", "h2"]
    assert [at for _, at, _ in lab.faults()] == [5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (table(*rows(2)).replace(b",", b";"), r'sales\.csv, row 1: .*is data\.delimiter ";"\?'),
        (
            table(header=HEADER.replace("price", "Price")),
            r'sales\.csv, row 1: column "price" of .*"Price"',
        ),
        (table(header=HEADER + ",id"), r'sales\.csv, row 1: the header names "id" more than once'),
        (HEADER.encode("utf-16"), r"sales\.csv: the text is UTF-16"),
        (b'PK\x03\x04\0\0\0, "zip\n\0', r"sales\.csv, row 1: .* is it a CSV file\?"),
        (b"x" * 200_000, r"sales\.csv, row 1: .* is it a CSV file\?"),
        (b"", "there is no CSV data in the raw prefix"),
        (b"\xef\xbb\xbf\n \n", "there is no CSV data in the raw prefix"),
        (table(), "no row is left for training"),
    ],
    ids=[
        "semicolons",
        "missing",
        "twice",
        "utf-16",
        "zip",
        "one-line",
        "empty",
        "blank",
        "header-only",
    ],
)
def test_files_that_cannot_be_what_the_specification_describes(
    lab: Lab, content: bytes, message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        lab.run(content)


def test_a_raw_prefix_without_files(lab: Lab) -> None:
    lab.places.raw.mkdir()
    with pytest.raises(SchemaError, match="there is no CSV data in the raw prefix"):
        lab.run()


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("%Y%m%dT%H%M%S", ["20141013T000000", "20120229T000000"], "20140230T000000"),
        ("%m/%d/%Y", ["10/13/2014", "2/29/2012"], "13/10/2014"),
        ("%d %b %Y", ["13 Oct 2014", "29 Feb 2012"], "31 Apr 2014"),
    ],
)
def test_dates_in_a_format_of_ones_own(lab: Lab, format_: str, good: list[str], bad: str) -> None:
    lab.spec["data"]["columns"]["date"]["format"] = format_
    lab.run(table(row(0, date=good[0]), row(1, date=good[1]), row(2, date=bad)))
    assert {str(day) for day in lab.written()["date"].to_pylist()} == {"2014-10-13", "2012-02-29"}
    assert lab.faults() == [
        ("sales.csv", 4, f"wrong_type: date: '{bad}' is not a date written as {format_}")
    ]


def test_datetimes_with_fractions_and_time_zones(lab: Lab) -> None:
    lab.spec["data"]["columns"]["seen"]["format"] = "%d.%m.%Y %H:%M:%S.%f%z"
    lab.run(table(row(0, seen="03.04.2015 01:30:00.250000+0200"), row(1, seen="")))
    assert sorted(map(str, lab.written()["seen"].to_pylist())) == [
        "2015-04-02 23:30:00.250000",
        "None",
    ]
