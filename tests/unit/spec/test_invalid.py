"""Each bad model.yaml gets one error that lists every mistake with its line.

The expected text of invalid/<name>.yaml stands in invalid/<name>.txt: what a user reads.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from frugal.spec import SpecError, load_spec, parse_spec

INVALID = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_every_mistake_is_listed(path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(path.read_text(encoding="utf-8"))
    assert str(caught.value) == path.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")


def test_the_error_is_available_as_json() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec("name: churn\n", "models/churn/model.yaml")
    document = caught.value.as_dict()
    assert document["path"] == "models/churn/model.yaml"
    assert {mistake["key"] for mistake in document["mistakes"]} == {"data", "evaluate", "owner"}


def test_files_beside_it_are_checked(tmp_path: Path, shortest: str) -> None:
    path = tmp_path / "other" / "model.yaml"
    path.parent.mkdir()
    path.write_text(shortest, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    keys = {mistake.key: mistake for mistake in caught.value.mistakes}
    assert keys.keys() == {"name", "train.script", "inference.py"}
    assert keys["name"].allowed == "other"


def test_an_endpoint_that_models_share_is_not_called_as_a_model(
    tmp_path: Path, shortest: str
) -> None:
    """Its deployment would replace what serves that model."""
    for name, deploy in (("churn", "{strategy: multi-model, endpoint: rents}"), ("rents", "{}")):
        folder = tmp_path / name
        folder.mkdir()
        for script in ("train.py", "inference.py"):
            (folder / script).touch()
        text = shortest.replace("name: churn", f"name: {name}", 1)
        (folder / "model.yaml").write_text(f"{text}deploy: {deploy}\n", encoding="utf-8")
    load_spec(tmp_path / "rents" / "model.yaml")
    with pytest.raises(SpecError, match=r"line 8: deploy\.endpoint: a model is called so"):
        load_spec(tmp_path / "churn" / "model.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere.model\.yaml"):
        load_spec(tmp_path / "nowhere" / "model.yaml")
