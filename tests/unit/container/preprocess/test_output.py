"""The data set: layout, statistics, manifest, determinism, memory, the user's hook, the job."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from container.preprocess.job import load_transform
from container.preprocess.unit import TransformError
from tests.unit.container.preprocess.sales import HEADER, Lab, example_spec, row, rows, table

REPOSITORY = Path(__file__).resolve().parents[4]


def test_columns_have_the_specified_types(lab: Lab) -> None:
    manifest = lab.run(table(*rows(50)))
    types = {column["name"]: column["type"] for column in manifest["schema"]}
    assert types == {
        "id": "string",
        "date": "date32[day]",
        "price": "double",
        "bedrooms": "int64",
        "waterfront": "bool",
        "grade": "dictionary<values=string, indices=int32, ordered=0>",
        "seen": "timestamp[us]",
    }
    assert [str(kind) for kind in lab.written().schema.types] == list(types.values())
    assert {c["name"] for c in manifest["schema"] if not c["nullable"]} == {"id", "date", "price"}


def test_the_manifest_describes_the_data_set(lab: Lab) -> None:
    lines = [row(n, bedrooms="" if n == 4 else n % 6) for n in range(500)]
    manifest = lab.run(table(*lines))
    written = json.loads((lab.places.dataset / "manifest.json").read_text())
    assert written == json.loads(json.dumps(manifest))
    assert manifest["fingerprint"] == "f1"
    assert manifest["engine"] == f"pyarrow {pa.__version__}"
    assert manifest["rows"]["raw"] == 500
    for file in manifest["files"]:
        path = lab.places.dataset / file["path"]
        assert path.parent.name == file["split"]
        assert path.stat().st_size == file["bytes"]
        assert pq.read_metadata(path).num_rows == file["rows"]

    bedrooms = [n % 6 for n in range(500) if n != 4]
    found = manifest["statistics"]["bedrooms"]
    assert (found["count"], found["nulls"], found["min"], found["max"]) == (499, 1, 0, 5)
    assert found["mean"] == pytest.approx(statistics.mean(bedrooms), rel=1e-12)
    assert found["stddev"] == pytest.approx(statistics.stdev(bedrooms), rel=1e-12)
    assert manifest["statistics"]["date"]["min"] == "2014-01-01"
    assert manifest["statistics"]["seen"]["max"] == "2015-01-01T00:59:00.000000"
    assert manifest["statistics"]["waterfront"]["mean"] == 0.5
    assert manifest["statistics"]["id"] == {
        "count": 500,
        "nulls": 0,
        "min": None,
        "max": None,
        "mean": None,
        "stddev": None,
    }


def test_statistics_merge_to_those_of_the_whole(
    labs: Callable[[], Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = table(*(row(n, price=1e6 + math.sin(n)) for n in range(1_000)))
    whole, parts = labs(), labs()
    whole.run(content)
    monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", 1000)
    monkeypatch.setattr("container.preprocess.source.UNIT_BYTES", 3000)
    parts.run(content)
    for name, expected in whole.manifest["statistics"].items():
        found = parts.manifest["statistics"][name]
        numbers = {key for key, value in expected.items() if isinstance(value, float)}
        assert {key: found[key] for key in numbers} == pytest.approx(
            {key: expected[key] for key in numbers}, rel=1e-9
        )
        assert {k: v for k, v in found.items() if k not in numbers} == {
            k: v for k, v in expected.items() if k not in numbers
        }


def test_row_groups_are_even_compressed_and_have_statistics(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", 4096)
    lab.spec["preprocess"]["row_group_rows"] = 1000
    lab.run(table(*rows(5_000)))
    metadata = pq.read_metadata(lab.places.dataset / "train" / "part-00000.parquet")
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    assert all(500 <= group.num_rows <= 1000 for group in groups)
    chunks = {c.path_in_schema: c for c in map(groups[0].column, range(groups[0].num_columns))}
    assert {chunk.compression for chunk in chunks.values()} == {"ZSTD"}
    assert chunks["price"].statistics.has_min_max
    assert chunks["grade"].has_dictionary_page
    assert not chunks["price"].has_dictionary_page
    assert "BYTE_STREAM_SPLIT" in chunks["price"].encodings


@pytest.mark.parametrize("workers", [1, 3])
def test_the_same_input_gives_the_same_bytes(
    labs: Callable[[], Lab], monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", 10_000)
    monkeypatch.setattr("container.preprocess.source.UNIT_BYTES", 30_000)
    content = table(*rows(3_000), row(5), row(6, price="x"))
    first, second = labs(), labs()
    first.run(content, workers=2)
    second.run(content, workers=workers)
    assert len(first.content()) > 9
    assert first.content() == second.content()
    assert first.quarantined() == second.quarantined()


def test_running_again_replaces_what_was_there(lab: Lab) -> None:
    lab.run(table(*rows(100)))
    lab.run(table(*rows(10)))
    assert len(lab.ids()) == 10


def with_hook(lab: Lab, source: str) -> Any:
    path = lab.root / "preprocess.py"
    lab.root.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return load_transform(path)


def test_the_models_own_transform_sees_batches_and_may_change_columns(lab: Lab) -> None:
    hook = with_hook(
        lab,
        "import pyarrow.compute as pc\n"
        "def transform(table):\n"
        "    table = table.append_column('rooms', pc.add(table['bedrooms'], 1))\n"
        "    return table.drop_columns(['id'])\n",
    )
    manifest = lab.run(table(*rows(40)), transform=hook)
    assert lab.written().column_names == [*HEADER.split(",")[1:], "rooms"]
    assert manifest["statistics"]["rooms"]["min"] == 1
    assert manifest["statistics"]["rooms"]["count"] == 40


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def transform(t): return 1 / 0", r"ZeroDivisionError: .*sales\.csv"),
        ("def transform(t): return t.to_pydict()", "returned dict instead of a pyarrow.Table"),
        ("def transform(t): return t.drop_columns(['price'])", "left out the columns price"),
        (
            "import itertools\nn = itertools.count()\n"
            "def transform(t): return t.rename_columns([f'c{next(n)}', *t.column_names[1:]])",
            "other columns",
        ),
        ("x = 1", r"preprocess\.py has no function transform"),
        ("import nothing_such", r"preprocess\.py cannot be imported"),
    ],
)
def test_a_transform_that_fails_says_where(lab: Lab, source: str, message: str) -> None:
    with pytest.raises(TransformError, match=message):
        lab.run(table(*rows(40)), transform=with_hook(lab, source))


def job(
    base: Path, content: bytes | None, spec: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run the module as the Processing job does."""
    code = base / "processing" / "input" / "code"
    code.mkdir(parents=True)
    (code / "spec.json").write_text(json.dumps(spec))
    raw = base / "processing" / "input" / "raw"
    raw.mkdir()
    if content is not None:
        (raw / "sales.csv").write_bytes(content)
    return subprocess.run(
        [sys.executable, "-m", "container.preprocess"],
        env={
            "PATH": os.environ["PATH"],
            "SAGEMAKER_BASE_DIR": str(base),
            "PYTHONPATH": str(REPOSITORY / "include"),
            "FRUGAL_FINGERPRINT": "abc",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_job_reads_and_writes_where_sagemaker_expects(tmp_path: Path) -> None:
    done = job(tmp_path, table(*rows(100), row(100, price="x")), example_spec())
    assert done.returncode == 0, done.stderr
    output = tmp_path / "processing" / "output"
    manifest = json.loads((output / "dataset" / "manifest.json").read_text())
    assert manifest["fingerprint"] == "abc"
    assert (output / "quarantine" / "quarantine.csv").read_text().count("\n") == 2
    message = (tmp_path / "output" / "message").read_text()
    assert message.startswith("101 rows: ")
    assert sorted(path.name for path in (tmp_path / "processing").iterdir()) == ["input", "output"]


def test_the_job_fails_with_an_exit_message_and_leaves_the_quarantine(tmp_path: Path) -> None:
    done = job(
        tmp_path,
        table(*rows(10), row(10, price="x")),
        {**example_spec(), "data": {**example_spec()["data"], "max_bad_rows": 0.01}},
    )
    assert done.returncode == 1
    output = tmp_path / "processing" / "output"
    message = (tmp_path / "output" / "message").read_text()
    assert "sales.csv, row 12: wrong_type: price: 'x'" in message
    assert "Traceback" not in done.stderr
    assert not list((output / "dataset").iterdir())
    assert (output / "quarantine" / "quarantine.csv").read_text().count("\n") == 2


def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    """With units a sixteenth of their usual size, a bad row and a duplicate in each: 84 MiB more of CSV do not stay.
    How much of what is in flight meets in memory depends on the machine, by some 30 MiB."""
    small, large = (peak_of(tmp_path / str(units), units) for units in (6, 48))
    assert large < small + 64


def peak_of(base: Path, units: int) -> float:
    """Peak resident memory (MiB) of preprocessing ``units`` units of 2 MB on two threads."""
    code = base / "processing" / "input" / "code"
    code.mkdir(parents=True)
    (code / "spec.json").write_text(json.dumps(example_spec()))
    raw = base / "processing" / "input" / "raw"
    raw.mkdir()
    lines = rows(30_000)
    lines[77] = row(77, price="x")
    lines[99] = lines[98]
    chunk = "\n".join(lines)
    with (raw / "sales.csv").open("w") as file:
        file.write(HEADER)
        for unit in range(units):
            file.write("\n" + chunk.replace("h", f"h{unit}-"))
    program = (
        "import resource, sys\n"
        "from container.preprocess import job, source\n"
        "source.BLOCK_BYTES, source.UNIT_BYTES = 1 << 19, 2 << 20\n"
        "job._processors = lambda: 2\n"
        "code = job.main()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "PATH": os.environ["PATH"],
            "SAGEMAKER_BASE_DIR": str(base),
            "PYTHONPATH": str(REPOSITORY / "include"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])
