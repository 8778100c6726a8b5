"""Files of blocks that call something, share weights or name places that are not there."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.formats.hostile.builders import Case, file


def blocks(name: str, value: Any) -> Callable[[Path], Path]:
    return file(f"{name}.block", pickle.dumps(value))


def call(folder: Path) -> Path:
    path = folder / "call.block"
    path.write_bytes(b"(lcposix\nmkdir\n(S'" + str(folder / "executed").encode() + b"'\ntRa.")
    return path


BLOCKS: dict[str, Case] = {
    "blocks that call": (call, "expected a list of blocks"),
    "blocks, cut": (file("cut.block", pickle.dumps([([0], [1])])[:-3]), "damaged or too long"),
    "blocks and more": (file("more.block", pickle.dumps([([0], [1])]) + b"N."), "expected a list of blocks"),
    "blocks of nothing": (blocks("nothing", []), "at least one row and one column"),
    "blocks of no weights": (blocks("none", [([], [1]), ([], [])]), "at least one row and one column"),
    "blocks of texts": (blocks("texts", [(["0"], ["1"])]), "indices from 0 to"),
    "blocks of truth": (blocks("truth", [([True], [1])]), "indices from 0 to"),
    "blocks before 0": (blocks("before", [([-1], [1])]), "indices from 0 to"),
    "blocks far away": (blocks("far", [([2**40], [1])]), "indices from 0 to"),
    "blocks of three": (blocks("three", [([0], [1], [2])]), "expected a list of blocks"),
    "blocks, a dictionary": (blocks("dictionary", {"rows": [0]}), "expected a list of blocks"),
    "blocks, huge": (blocks("huge", [([2**23], [2**23])]), "at most 1073741824 elements"),
    "blocks that overlap": (blocks("overlap", [([0, 1], [1]), ([1], [0, 1])]), "lie in more than one"),
    "blocks, each the whole": (blocks("whole", [([0, 1], [0, 1])] * 1000), "share no weight of 2x2; got 4000"),
    "a row twice": (blocks("twice", [([0, 0], [1, 2])]), "share no weight of|more than one"),
    "100000 blocks": (blocks("many", [([0], [1])] * 100_000), "at most 20000 blocks"),
}
