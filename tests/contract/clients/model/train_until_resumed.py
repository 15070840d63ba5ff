"""Writes a checkpoint and waits for ever; started from a checkpoint, it ends at once.

A process in a session of its own waits with it, as a data loader's might.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    base = Path(os.environ["SAGEMAKER_BASE_DIR"])
    checkpoint = base / "checkpoints" / "seen"
    if checkpoint.exists():
        Path(os.environ["SM_MODEL_DIR"], "resumed").write_text("1")
        return
    wait = "import time; time.sleep(3600)"
    subprocess.Popen([sys.executable, "-c", wait], start_new_session=True)
    checkpoint.write_text("1")  # last, as whoever sees it may kill all of it
    time.sleep(3600)


if __name__ == "__main__":
    main()
