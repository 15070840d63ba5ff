"""Resources and tags in SQLite."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from local_aws.store import Exists, Record, Store


def test_records_and_tags_are_there_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.create("model", "r", "a", {"_arn": "arn:a", "x": [1, {"y": 2.5}]})
    store.tag("arn:a", {"k": "v", "l": "w"})
    store.untag("arn:a", ["l"])
    again = Store(tmp_path / "db")
    assert again.get("model", "r", "a") == {"_arn": "arn:a", "x": [1, {"y": 2.5}]}
    assert again.tags("arn:a") == {"k": "v"}
    assert again.every("model") == [("r", "a", {"_arn": "arn:a", "x": [1, {"y": 2.5}]})]


def test_a_name_is_taken_once_per_kind_and_region(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.create("model", "r", "a", {})
    store.create("model", "s", "a", {})
    store.create("endpoint", "r", "a", {})
    with pytest.raises(Exists):
        store.create("model", "r", "a", {})


def test_deletion_takes_the_tags_along(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.create("model", "r", "a", {"_arn": "arn:a"})
    store.tag("arn:a", {"k": "v"})
    store.delete("model", "r", "a")
    assert store.get("model", "r", "a") is None
    assert store.tagged_arns() == []


def test_an_update_that_raises_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.create("model", "r", "a", {"n": [0]})

    def change(record: Record) -> None:
        record["n"].append(1)
        raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        store.update("model", "r", "a", change)
    assert store.get("model", "r", "a") == {"n": [0]}
    with pytest.raises(KeyError):
        store.update("model", "r", "b", lambda record: None)


def test_updates_from_many_threads_add_up(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.create("model", "r", "a", {"n": 0})

    def increment(record: Record) -> None:
        record["n"] += 1

    def work() -> None:
        for _ in range(50):
            store.update("model", "r", "a", increment)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Store(tmp_path / "db").get("model", "r", "a") == {"n": 200}
