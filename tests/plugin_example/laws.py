"""What the law tests ask of a format that is no function of it: a good file written by other means, and hostile ones.

PYTHONPATH=where/it/is/installed python -m pytest -p tests.plugin_example.laws tests/formats -k example
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.formats.good_files import WRITE
from tests.formats.hostile_files import HOSTILE, file


def _grid(weight: np.ndarray, path: Path) -> None:
    rows, cols = weight.shape
    path.write_text(f"example-grid {rows} {cols}\n" + "".join("01"[int(value != 0)] for value in weight.flat))


WRITE["example-grid"] = _grid
HOSTILE.update(
    {
        "example words": (file("words.grid", b"example-grid two rows\n0101"), "a first line"),
        "example short": (file("short.grid", b"example-grid 2 2\n010"), "4 characters"),
        "example long": (file("long.grid", b"example-grid 2 2\n01010"), "4 characters"),
        "example other": (file("other.grid", b"example-grid 2 2\n01x1"), "4 characters"),
        "example none": (file("none.grid", b"example-grid 0 2\n"), "at least one"),
        "example one line": (file("line.grid", b"example-grid 2 2"), "a first line|4 characters"),
        "example negative": (file("negative.grid", b"example-grid -2 2\n0101"), "a first line"),
        "example lines": (file("lines.grid", b"example-grid 2 2\n01\n01"), "4 characters"),
        "example wide": (file("wide.grid", b"example-grid 1 99999999\n0"), "dimensions up to"),
        "example huge": (file("huge.grid", b"example-grid 4000000 4000000\n0"), "at most 1073741824 elements"),
    }
)
