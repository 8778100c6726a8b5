"""A pattern into .smtx: the form that the reader of it describes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from sparselab.core.errors import FileError
from sparselab.formats.options import ReadLimits
from sparselab.formats.writing.tensors import Changes, check_changed


def rewrite_smtx(source: Path, changes: Changes, out: Path, limits: ReadLimits) -> tuple[str, ...]:
    """Write the one pattern of a file anew."""
    check_changed(changes, [(source.stem, "unknown")])
    news = changes.get((source.stem, "unknown"))
    if news is None:
        shutil.copyfile(source, out)
        return ()
    if len(news) != 1 or news[0].stored != "bool":
        raise FileError(f"{source.name}: expected one pattern; got weights: write an .npz file")
    kept = news[0].load()
    rows, cols = np.nonzero(kept)
    offsets = np.cumsum([0, *np.bincount(rows, minlength=len(kept))])
    with out.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"{kept.shape[0]}, {kept.shape[1]}, {cols.size}\n")
        for numbers in (offsets, cols):
            file.write(" ".join(map(str, numbers.tolist())) + "\n")
    return ()
