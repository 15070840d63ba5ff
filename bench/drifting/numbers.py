"""Columns as .npy files for the engines: ``... FOLDER REFERENCE_ROWS WINDOW_ROWS``, half of the window's
columns moved a little.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

COLUMNS = 20


def main(folder: Path, reference_rows: int, window_rows: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    before = random.normal(size=(COLUMNS, reference_rows))
    now = random.normal(size=(COLUMNS, window_rows))
    now += np.arange(COLUMNS)[:, np.newaxis] % 2 * 0.01
    np.save(folder / "reference.npy", before.astype(np.float32))
    np.save(folder / "window.npy", now.astype(np.float32))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
