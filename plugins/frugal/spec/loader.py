"""model.yaml -> ModelSpec, or one SpecError that lists every mistake with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from frugal.spec import (  # noqa: F401 - they register their rules
    compile_rules,
    deploy_rules,
    model_monitor_rules,
    monitor_rules,
    retention_rules,
    rules,
)
from frugal.spec.errors import Mistake, SpecError
from frugal.spec.model import ModelSpec
from frugal.spec.rule import MISTAKES, WARNINGS, Finding, findings
from frugal.spec.section import PATTERNS_IN_WORDS

FILE_NAME = "model.yaml"
Lines = dict[str, int]


def find_specs(models: Path) -> Iterator[Path]:
    """Every model.yaml one folder below `models`, sorted by path."""
    yield from sorted(models.glob(f"*/{FILE_NAME}"))


def load_spec(path: Path) -> ModelSpec:
    """Read one model.yaml.

    Raises SpecError with every mistake in the file, in the files beside it that it names, and in
    its place: the folder carries the model's name.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(path, [Mistake(1, FILE_NAME, f"cannot be read: {error}")]) from error
    return parse_spec(text, path, check_files=True)


def parse_spec(text: str, path: Path | str = FILE_NAME, *, check_files: bool = False) -> ModelSpec:
    """The spec in `text`; `path` is named in errors. Raises SpecError with every mistake."""
    data, lines, mistakes = _read_yaml(text)
    if not isinstance(data, dict):
        problem = "the file must hold a mapping of sections"
        raise SpecError(path, mistakes or [Mistake(1, FILE_NAME, problem, _show(data))])
    sections: dict[str, Any] = {}
    for name, field in ModelSpec.model_fields.items():
        if name not in data:
            if field.is_required():
                mistakes.append(Mistake(1, name, "is missing"))
            else:
                sections[name] = field.get_default()
            continue
        section: Any = Annotated[(field.annotation, *field.metadata, field)]
        try:
            sections[name] = TypeAdapter(section).validate_python(data[name])
        except ValidationError as error:
            details = error.errors()
            mistakes += [
                _mistake(name, d, lines) for d in details if not _has_wrong_items(d, details)
            ]
    for name in map(str, data.keys() - ModelSpec.model_fields.keys()):
        problem, allowed = _unknown_key(name, list(ModelSpec.model_fields))
        mistakes.append(Mistake(_line(lines, name), name, problem, "", allowed))
    mistakes += [_placed(finding, lines) for finding in findings(MISTAKES, sections)]
    if check_files:
        mistakes += _misplaced(Path(path), sections, lines)
    if mistakes:
        raise SpecError(path, mistakes)
    return ModelSpec.model_validate(data)


def load_warnings(path: Path) -> list[Mistake]:
    """What a valid model.yaml says that is allowed, but likely not meant."""
    data, lines, _ = _read_yaml(path.read_text(encoding="utf-8"))
    spec = ModelSpec.model_validate(data)
    sections = {name: getattr(spec, name) for name in ModelSpec.model_fields}
    return sorted(_placed(finding, lines) for finding in findings(WARNINGS, sections))


def _placed(finding: Finding, lines: Lines) -> Mistake:
    key, problem, given, allowed = finding
    return Mistake(_line(lines, key), key, problem, "" if given == "" else _show(given), allowed)


def _misplaced(path: Path, sections: dict[str, Any], lines: Lines) -> Iterator[Mistake]:
    """Mistakes that show only beside the file: its folder's name, the scripts it names, and other models' names."""
    folder = path.resolve().parent
    name = sections.get("name")
    if name is not None and name != folder.name:
        yield Mistake(_line(lines, "name"), "name", "differs from its folder", name, folder.name)
    deploy = sections.get("deploy")
    shared = deploy.endpoint if deploy else None
    if shared is not None and (folder.parent / shared / FILE_NAME).is_file():
        key, problem = "deploy.endpoint", "a model is called so, and its own endpoint may be"
        yield Mistake(_line(lines, key), key, problem, shared, "a name that is no model's")
    train, preprocess = sections.get("train"), sections.get("preprocess")
    scripts = {
        "train.script": train.script if train else None,
        "preprocess.script": preprocess.script if preprocess else None,
        "inference.py": "inference.py",
    }
    for key, script in scripts.items():
        if script is not None and not (folder / script).is_file():
            yield Mistake(_line(lines, key), key, "no such file beside model.yaml", script)


def _has_wrong_items(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether a list is too short only because its items, which have mistakes of their own, do not count."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(place)] == place and other is not detail for other in details
    )


def _mistake(section: str, detail: ErrorDetails, lines: Lines) -> Mistake:
    path = [
        section,
        *(str(part) for part in detail["loc"] if part not in ("function-before", "[key]")),
    ]
    key = ".".join(path)
    context = detail.get("ctx", {})
    problem, given, allowed = detail["msg"], _show(detail["input"]), ""
    match detail["type"]:
        case "extra_forbidden":
            problem, allowed = _unknown_key(path[-1], _allowed_keys(path[:-1]))
            given = ""
        case "missing":
            problem, given = "is missing", ""
        case "literal_error":
            problem, allowed = "no such choice", str(context["expected"])
        case "string_pattern_mismatch":
            pattern = str(context["pattern"])
            problem, allowed = "malformed", PATTERNS_IN_WORDS.get(pattern, f"text like {pattern}")
        case "string_type" if "[key]" in detail["loc"]:
            problem, given, allowed = "a name is text", str(detail["input"]), "put it in quotes"
        case "string_type" if isinstance(detail["input"], int | float):
            problem, given, allowed = "is no text", str(detail["input"]), "put it in quotes"
        case "too_short":
            problem, given = "holds too few", str(context["actual_length"])
            allowed = f"{context['min_length']} or more"
        case "tuple_type":
            problem, allowed = "is not a list", f"[{detail['input']}]"
        case "model_type" | "model_attributes_type" | "dict_type":
            problem, allowed = "is not a section", ", ".join(_allowed_keys(path))
        case "value_error":
            problem = str(context["error"])
    return Mistake(_line(lines, key), key, problem, given, allowed)


def _unknown_key(key: str, allowed: list[str]) -> tuple[str, str]:
    """What to say of a key that is not among `allowed`: (problem, what is allowed)."""
    close = get_close_matches(key, allowed, n=1)
    problem = f"no such key (did you mean {close[0]}?)" if close else "no such key"
    return problem, ", ".join(allowed)


def _allowed_keys(path: list[str]) -> list[str]:
    """Field names of the section at `path`, following the model's own annotations."""
    model: Any = ModelSpec
    for part in path:
        fields = getattr(model, "model_fields", {})
        annotation = fields[part].annotation if part in fields else model
        model = _section_of(annotation)
    return list(getattr(model, "model_fields", {}))


def _section_of(annotation: Any) -> Any:
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in get_args(annotation):
        if found := _section_of(argument):
            return found
    return None


def _show(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _line(lines: Lines, key: str) -> int:
    """Line of `key`, or of the nearest section around it."""
    parts = key.split(".")
    while parts:
        if ".".join(parts) in lines:
            return lines[".".join(parts)]
        parts.pop()
    return 1


def _read_yaml(text: str) -> tuple[Any, Lines, list[Mistake]]:
    """The document, the line of every key, and mistakes in the YAML itself (keys given twice)."""
    lines: Lines = {}
    mistakes: list[Mistake] = []

    visited: set[int] = set()

    def visit(node: yaml.Node, path: str) -> None:
        lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in visited:  # an alias, which may stand inside of what it names
            return
        visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                child = f"{path}.{key.value}".lstrip(".")
                if key.value in seen:
                    line = key.start_mark.line + 1
                    mistakes.append(
                        Mistake(line, child, f"given twice, first on line {lines[child]}")
                    )
                    continue
                seen.add(key.value)
                lines[child] = key.start_mark.line + 1
                visit(value, child)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                visit(item, f"{path}.{index}")

    try:
        loader = yaml.CSafeLoader(text)
        root = loader.get_single_node()
        data = loader.construct_document(root) if root is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = f"not YAML: {getattr(error, 'problem', None) or error}"
        return None, lines, [Mistake(mark.line + 1 if mark else 1, FILE_NAME, problem)]
    if root is not None:
        visit(root, "")
    return data, lines, mistakes
