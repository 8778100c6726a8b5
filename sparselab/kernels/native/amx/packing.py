"""Panels as amx.c reads them: steps of 32 columns, parts of 32 rows, weights in bfloat16 tile by tile."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.mask import IntVector
from sparselab.kernels.base import Work
from sparselab.kernels.support.panels import Panel, panels, share_rows

STEP = 32
"""Columns gathered at once, and positions of a tile."""
HEIGHT = 32
"""Rows of a part: two tiles of sums."""
_HALF = HEIGHT // 2
_AHEAD = 3
_MOST_JOINED = 2048
"""Among more panels no pairs are looked for: comparing all of them would take longer than most products."""
_COST_OF_ALL, _COST_OF_HALF = 4, 3
"""What a step costs that serves all rows of a part, and one that serves half of them: gathering costs both the same."""

_Long, _Address = ctypes.c_int64, ctypes.c_void_p
_ARRAYS = ("step_starts", "part_starts", "counts", "weight_starts", "rows_of", "weights")


class CAmxProduct(ctypes.Structure):
    """The `product` of amx.c."""

    _fields_: ClassVar = [
        *[(name, _Long) for name in ("rows", "panels", "shared", "ring")],
        *[(name, _Address) for name in (*_ARRAYS, "bias")],
    ]


@dataclass(frozen=True, eq=False)
class Bundle:
    """Parts of at most 32 rows that gather the same columns: for all their rows, for the first 16 alone, for the others alone.

    rows: a part's, first half and second half; columns: of each kind, and of which parts' rows (0 all, 1 first, 2 others).
    """

    parts: tuple[tuple[IntVector, IntVector], ...]
    columns: tuple[IntVector, IntVector, IntVector]

    @property
    def steps(self) -> tuple[int, int, int]:
        first, second, third = (-(-part.size // STEP) for part in self.columns)
        return first, second, third

    def counts(self, part: int) -> tuple[int, int, int]:
        """Steps of a part by which of its rows they serve: those of half a part serve its first rows alone."""
        return self.steps if self.parts[part][1].size else (0, sum(self.steps), 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedAmx:
    """A product packed; the arrays must live as long as the C code runs, which holds their addresses. `columns_of`: what each
    place of a step gathers, a column of W or -1 for zeros."""

    rows: int
    shared: bool
    ring: int
    used: NDArray[np.int64]
    columns_of: NDArray[np.int64]
    step_starts: NDArray[np.int64]
    part_starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    weight_starts: NDArray[np.int64]
    rows_of: NDArray[np.int64]
    weights: NDArray[np.int16]
    bias: NDArray[np.float32] | None

    @cached_property
    def struct(self) -> CAmxProduct:
        return CAmxProduct(
            rows=self.rows,
            panels=self.step_starts.size - 1,
            shared=self.shared,
            ring=self.ring,
            bias=None if self.bias is None else self.bias.ctypes.data,
            **{name: getattr(self, name).ctypes.data for name in _ARRAYS},
        )


def pack(work: Work) -> PackedAmx:
    """Return the panels of `work` packed; a last panel without columns holds the rows of no block, for their bias."""
    import torch

    found = panels(work.layout)
    written = np.unique(np.concatenate([np.zeros(0, np.int64), *(part.rows for part in found)]))
    rest = np.setdiff1d(np.arange(work.layout.after.rows), written)
    bundles = [*bundled(found), *([_bundle(Panel(rest, np.zeros(0, np.int64)))] if rest.size else [])]
    bits = torch.from_numpy(np.ascontiguousarray(work.weight, np.float32)).bfloat16().view(torch.int16).numpy()
    columns = [_filled(part) for bundle in bundles for part in bundle.columns]
    weights = [part for bundle in bundles for part in _weights(bundle, bits)]
    used = np.unique(np.concatenate([np.zeros(0, np.int64), *(part.cols for part in found)]))
    tall = max((sum(bundle.steps) for bundle in bundles if len(bundle.parts) > 1), default=0)
    return PackedAmx(
        rows=work.layout.after.rows,
        shared=share_rows(found),
        ring=1 << (max(tall, 1) + _AHEAD - 1).bit_length(),
        used=used.astype(np.int64),
        # At least one step: what is gathered ahead at the end of everything is read, and never used.
        columns_of=np.concatenate([*columns, np.full(STEP, -1)]).astype(np.int64),
        step_starts=_starts([sum(bundle.steps) for bundle in bundles]),
        part_starts=_starts([len(bundle.parts) for bundle in bundles]),
        counts=np.array([bundle.counts(at) for bundle in bundles for at in range(len(bundle.parts))], np.int64),
        weight_starts=_starts([part.size for part in weights]),
        rows_of=np.concatenate([np.concatenate([_half(a), _half(b)]) for each in bundles for a, b in each.parts]),
        weights=np.concatenate([np.zeros(0, np.int16), *weights]),
        bias=None
        if work.bias_tensor is None
        else work.bias_tensor.float().numpy(),  # rounded as the type is, and as elsewhere
    )


def bundled(parts: Sequence[Panel]) -> Iterator[Bundle]:
    """Yield panels as bundles: those of at most 16 rows in pairs where what they share saves more than pairs cost."""
    partner = _pairs(parts)
    for place, panel in enumerate(parts):
        other = partner.get(place)
        if other is None:
            yield _bundle(panel)
        elif place < other:
            mine, theirs = panel.cols, parts[other].cols
            both = np.intersect1d(mine, theirs)
            columns = both, np.setdiff1d(mine, both), np.setdiff1d(theirs, both)
            yield Bundle(((panel.rows, parts[other].rows),), columns)


def _bundle(panel: Panel) -> Bundle:
    none = np.zeros(0, np.int64)
    parts = np.split(panel.rows, range(HEIGHT, panel.rows.size, HEIGHT))
    halves = tuple((part[:_HALF], part[_HALF:]) for part in parts)
    return Bundle(halves, (panel.cols, none, none))


def _pairs(parts: Sequence[Panel]) -> dict[int, int]:
    """Return the partner of each panel that has one, most saved first."""
    small = [place for place, part in enumerate(parts) if part.cols.size > 0 and part.rows.size <= _HALF]
    if not 1 < len(small) <= _MOST_JOINED:
        return {}
    used, flat = np.unique(np.concatenate([parts[place].cols for place in small]), return_inverse=True)
    sizes = np.array([parts[place].cols.size for place in small])
    keeps = np.zeros((len(small), used.size), np.float32)
    keeps[np.repeat(np.arange(len(small)), sizes), flat.reshape(-1)] = 1.0
    shared = (keeps @ keeps.T).astype(np.int64)
    first, second = np.triu_indices(len(small), 1)
    both = shared[first, second]
    alone = -(-sizes // STEP)
    left = [-(-(sizes[at] - both) // STEP) for at in (first, second)]
    saved = _COST_OF_HALF * (alone[first] + alone[second] - sum(left)) - _COST_OF_ALL * -(-both // STEP)
    partner: dict[int, int] = {}
    for at in np.argsort(-saved, kind="stable")[: np.count_nonzero(saved > 0)].tolist():
        a, b = small[first[at]], small[second[at]]
        if a not in partner and b not in partner:
            partner[a], partner[b] = b, a
    return partner


def _weights(bundle: Bundle, bits: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    """Yield the weights of each part, step by step tiles of 16 rows x 32 columns; zeros where a row or column is missing."""
    for halves in bundle.parts:
        tiles = []
        for kind, columns in enumerate(bundle.columns):
            filled = _filled(columns)
            served = [half for at, half in enumerate(halves) if half.size and (kind == 0 or kind == at + 1)]
            block = np.zeros((len(served), _HALF, filled.size), np.int16)
            for tile, rows in zip(block, served, strict=True):
                tile[: rows.size, : columns.size] = bits[np.ix_(rows, columns)]
            tiles.append(block.reshape(len(served), _HALF, filled.size // STEP, STEP).transpose(2, 0, 1, 3).ravel())
        yield np.concatenate(tiles)


def _filled(columns: IntVector) -> IntVector:
    """Columns and as many -1 as make whole steps."""
    return np.concatenate([columns, np.full(-columns.size % STEP, -1)])


def _half(rows: IntVector) -> NDArray[np.int64]:
    return np.concatenate([rows, np.full(_HALF - rows.size, -1)]).astype(np.int64)


def _starts(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
