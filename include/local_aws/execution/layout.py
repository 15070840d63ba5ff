"""The `/opt/ml` of one job: a directory of its own, and the environment its process sees.

`/opt/ml` in arguments and environment values becomes that directory. A path that a script spells
out itself leads there only where the system lets a process have its own mounts (opt_ml.py), so
scripts do well to take theirs from SM_* or SAGEMAKER_BASE_DIR.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from local_aws.execution.images import Image
from local_aws.execution.process import Command

_OPT_ML = re.compile(r"/opt/ml(?=/|$|[\s\"':;,])")

# What a job may inherit of the gateway's environment: how to reach a package index, nothing else.
_INHERITED = re.compile(r"(PIP_|UV_)\w+$|(SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|LANG)$")

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class Layout:
    """A job's base directory, made empty."""

    def __init__(self, base: Path) -> None:
        self.base = base
        shutil.rmtree(base, ignore_errors=True)
        for part in ("input/config", "input/data", "model", "output/data", "tmp"):
            (base / part).mkdir(parents=True)

    def local(self, container_path: str) -> Path:
        """Where a path below `/opt/ml` is. Raises `ValueError` for any other path."""
        relative = Path(os.path.normpath(container_path)).relative_to("/opt/ml")
        return self.base / relative

    def rewrite(self, text: str) -> str:
        return _OPT_ML.sub(str(self.base), text)

    def write_config(
        self, name: str, content: dict[str, Any], directory: str = "input/config"
    ) -> None:
        path = self.base / directory / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1))

    def read_output(self, name: str, limit: int = 1024) -> str:
        """The start of output/<name> (`message`, `failure`), in at most `limit` characters."""
        try:
            return (self.base / "output" / name).read_text(errors="replace").strip()[:limit]
        except OSError:
            return ""

    def environment(
        self, image: Image, url: str, region: str, variables: dict[str, str]
    ) -> dict[str, str]:
        """All that the process will see; `variables` win over what the layout sets."""
        inherited = {k: v for k, v in os.environ.items() if _INHERITED.match(k)}
        path = [str(image.pythonpath)] if image.pythonpath else []
        if "PYTHONPATH" in variables:
            path.append(variables["PYTHONPATH"])
        own = {
            "PATH": f"{image.bin}:{SYSTEM_PATH}",
            "HOME": str(self.base),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.base / "tmp"),
            "PYTHONUNBUFFERED": "1",
            "SAGEMAKER_BASE_DIR": str(self.base),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "OMP_NUM_THREADS": str(os.cpu_count() or 1),
        }
        asked = {name: self.rewrite(value) for name, value in variables.items()}
        asked |= {"PYTHONPATH": self.rewrite(":".join(path))} if path else {}
        return inherited | own | image.environment | asked

    def command(self, argv: list[str], environment: dict[str, str]) -> Command:
        """The command with `/opt/ml` rewritten and its program found on the image's PATH.

        Raises `FileNotFoundError` as a container runtime does for a missing program.
        """
        rewritten = [self.rewrite(word) for word in argv]
        program = shutil.which(rewritten[0], path=environment["PATH"])
        if program is None:
            raise FileNotFoundError(f'exec: "{argv[0]}": executable file not found in $PATH')
        return Command([program, *rewritten[1:]], environment, self.base)

    def remove(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)
