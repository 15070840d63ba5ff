"""The stage from its inputs to its exit message; see the package."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from container import paths
from container.preprocess.hashing import SPLITS
from container.preprocess.run import MANIFEST, Places, Preprocessing, TooManyBadRows
from container.preprocess.schema import SchemaError
from container.preprocess.unit import Transform, TransformError

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h


def preprocess(
    spec: dict[str, Any],
    places: Places,
    fingerprint: str = "",
    transform: Transform | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """Run the whole stage; returns the manifest. On failure no data set is left behind.

    Raises:
        SchemaError, TooManyBadRows, TransformError: see :meth:`Preprocessing.run`.
    """
    for split in SPLITS:
        shutil.rmtree(places.dataset / split, ignore_errors=True)
    (places.dataset / MANIFEST).unlink(missing_ok=True)
    try:
        return Preprocessing(spec, places, transform, workers or _processors()).run(fingerprint)
    except BaseException:
        for split in SPLITS:
            shutil.rmtree(places.dataset / split, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(places.scratch, ignore_errors=True)


def load_transform(script: Path) -> Transform:
    """The ``transform`` function of the model's own script."""
    module_spec = importlib.util.spec_from_file_location("model_preprocess", script)
    if module_spec is None or module_spec.loader is None or not script.is_file():
        raise TransformError(f"preprocess.script {script.name} is not among the published files")
    module = importlib.util.module_from_spec(module_spec)
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        raise TransformError(f"{script.name} cannot be imported: {error}") from error
    transform = getattr(module, "transform", None)
    if not callable(transform):
        raise TransformError(f"{script.name} has no function transform(table)")
    found: Transform = transform
    return found


def main() -> int:
    """Run inside the container; returns the exit code."""
    _prepare_process()
    spec = paths.load_spec()
    script = spec["preprocess"].get("script")
    places = Places(
        raw=paths.processing_input("raw"),
        dataset=paths.processing_output("dataset"),
        quarantine=paths.processing_output("quarantine"),
        scratch=paths.BASE / "processing" / "scratch",
    )
    try:
        manifest = preprocess(
            spec,
            places,
            os.environ.get("FRUGAL_FINGERPRINT", ""),
            load_transform(paths.code_dir() / script) if script else None,
        )
    except (SchemaError, TooManyBadRows, TransformError) as error:
        print(f"preprocess: {error}", file=sys.stderr)
        paths.write_exit_message(str(error))
        return 1
    except Exception as error:
        paths.write_exit_message(f"{type(error).__name__}: {error}")
        raise
    rows = manifest["rows"]
    summary = (
        f"{rows['raw']} rows: {rows['train']} train, {rows['validation']} validation, "
        f"{rows['test']} test, {rows['quarantined']} quarantined; "
        f"{manifest['bytes']['raw']} bytes of CSV became {manifest['bytes']['parquet']} of Parquet "
        f"in {manifest['seconds']:.1f} s"
    )
    print(f"preprocess: {summary}", flush=True)
    paths.write_exit_message(summary)
    return 0


def _prepare_process() -> None:
    """Two settings that make large blocks cheap; together about a tenth of the run's time."""
    gc.freeze()  # On Python 3.10 pyarrow's CSV reader walks all tracked objects at every call.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc: keep freed memory, as each fresh page costs a fault.
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        mallopt(_M_TRIM_THRESHOLD, 1 << 30)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
