"""What Neo compiled for Inf1, with the handlers that serve it: a Processing job in any image.

Inputs ``compiled`` (the artefact of CreateCompilationJob), ``model`` (the training job's archive) and ``code``;
output ``package`` with ``model.tar.gz``. Predictions cannot be checked here, where there is no Inferentia: those of the
held-out rows are when the endpoint is up (the task ``smoke_test``).
"""

from __future__ import annotations

import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from container import archives
from container.neuron_serving import add_handlers
from container.paths import load_spec, processing_input, processing_output, write_exit_message


def main() -> int:
    """Write the archive; return the exit code."""
    compiled = sorted(processing_input("compiled").glob("*.tar.gz"))
    if len(compiled) != 1:
        write_exit_message(f"expected one artefact of Neo's, found {len(compiled)}")
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        package, trained = Path(scratch) / "package", Path(scratch) / "trained"
        archives.extract(str(compiled[0]), str(package))
        archives.extract(str(processing_input("model") / "model.tar.gz"), str(trained))
        shutil.copy(trained / "features.json", package)
        add_handlers(package, load_spec()["compile"]["batch_rows"])
        with tarfile.open(processing_output("package") / "model.tar.gz", "w:gz") as archive:
            for path in sorted(package.iterdir()):
                archive.add(path, path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
