"""Blocks in bfloat16 by the matrix unit AMX."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SettingError
from sparselab.kernels.base import Conv, Run, Work
from sparselab.kernels.native.amx.packing import STEP, PackedAmx, pack
from sparselab.kernels.native.compiler import compiler_unsupported_reason, library

if TYPE_CHECKING:
    import torch

_Long, _Address = ctypes.c_int64, ctypes.c_void_p
_TILES = (1, 2, 4, 8, 16)
"""Tiles of positions worked on at once that are worth a trial; amx.c takes no more."""
_MOST_BYTES = 2**32
"""Places within an image, or a tile of a matrix, are numbers of 32 bits."""
_SHAPES_KEPT = 64
_SIDES = ("images", "channels", "height", "width", "stride", "padding", "lines", "line", "plane", "image")
_OUTPUT = ("positions", "out_height", "out_width", "features_last", "is_matrix")


class CInput(ctypes.Structure):
    """The `input` of lines.h."""

    _fields_: ClassVar = [(name, _Long) for name in (*_SIDES, *_OUTPUT)]


class _AmxPlan(ctypes.Structure):
    """The `plan` of amx.c."""

    _fields_: ClassVar = [
        *[(name, _Long) for name in ("tiles", "splits")],
        *[(name, _Address) for name in ("split_starts", "used")],
        *[(name, _Long) for name in ("used_count", "scratch_each")],
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class _AmxCall:
    """What a run over inputs of one shape with one number of threads needs besides its tensors."""

    input: CInput
    output_shape: tuple[int, ...]
    places: NDArray[np.uint32]
    plan: _AmxPlan
    starts: NDArray[np.int64]
    scratch: int
    lines: int


def amx_unsupported_reason() -> str:
    """Return why this process cannot multiply by AMX; "" where it can."""
    if reason := compiler_unsupported_reason():
        return reason
    permission = _permission()
    if permission < 0:
        return "no AMX in this processor, or a compiler older than gcc 11 and clang 12"
    return "" if permission else "the system does not let this process use AMX"


@lru_cache(maxsize=1)
def _permission() -> int:
    """1 where this process may use tiles, 0 where the system refuses, -1 where the code was not compiled. Asked once a process."""
    return int(library().amx_permission())


def amx_runs(work: Work) -> Mapping[str, Run]:
    """Return the runs of a product in bfloat16 that are worth a trial, by what is told of each."""
    packed = pack(work)
    most = -(-work.positions // STEP)
    return {
        f"bfloat16 by AMX, {tiles} tiles": compiled_run(packed, work.conv, tiles)
        for tiles in sorted({min(tiles, most) for tiles in _TILES})
    }


def compiled_run(packed: PackedAmx, conv: Conv | None, tiles: int, code: ctypes.CDLL | None = None) -> Run:
    """Return the run that works on at most `tiles` tiles of positions at once, by the compiled code or another library of it.

    It reads whatever lies at the address of X: only for an X that was `checked`. Y lies in memory as X does.
    """
    import torch

    code, product = code or library(), packed.struct

    @lru_cache(maxsize=_SHAPES_KEPT)
    def call(shape: tuple[int, ...], features_last: bool, threads: int) -> _AmxCall:
        of = input_of(shape, conv, features_last=features_last)
        total = int(of.images * -(-of.positions // STEP))
        blocks = threads * max(1, -(-total // (threads * tiles)))
        per_block = max(1, -(-total // blocks))
        blocks = -(-total // per_block)
        starts = _splits(packed, 1 if packed.shared or blocks >= threads else -(-threads // max(1, blocks)))
        together, line = of.features_last and starts.size > 2, packed.rows * STEP
        numbers = packed.ring * STEP * STEP + per_block * (
            (line if of.features_last and not together else 0)
            + (2 * line if packed.shared else 0)
            + ((of.channels + 1) * STEP if of.is_matrix else 0)
        )
        plan = _AmxPlan(
            tiles=per_block,
            splits=starts.size - 1,
            split_starts=starts.ctypes.data,
            used=packed.used.ctypes.data,
            used_count=packed.used.size,
            scratch_each=numbers,
        )
        places = places_of(packed.columns_of, of, conv)
        lines = total * line if together else 0
        output_shape = (
            (packed.rows, shape[1]) if conv is None else (shape[0], packed.rows, *conv.output_size(*shape[2:]))
        )
        return _AmxCall(
            input=of,
            output_shape=output_shape,
            places=places,
            plan=plan,
            starts=starts,
            scratch=threads * numbers,
            lines=lines,
        )

    def run(x: torch.Tensor) -> torch.Tensor:
        x, features_last = _as_read(x, conv)
        of = call(tuple(x.shape), features_last, torch.get_num_threads())
        y = _output(of.output_shape, features_last=features_last)
        images = 0 if of.input.is_matrix else int(of.input.images * of.input.image)
        memory = [torch.empty(size, dtype=torch.bfloat16, device="cpu") for size in (images, of.scratch, of.lines)]
        if y.numel():
            code.amx_run(
                x.data_ptr(),
                y.data_ptr(),
                *(part.data_ptr() for part in memory),
                of.places.ctypes.data,
                ctypes.byref(of.input),
                ctypes.byref(product),
                ctypes.byref(of.plan),
            )
        return y

    return run


def input_of(shape: tuple[int, ...], conv: Conv | None, *, features_last: bool) -> CInput:
    """Return an input as the C code sees it.

    Raises: SettingError for an image too large for places of 32 bits.
    """
    if conv is None:
        channels, width = shape
        found = CInput(images=1, channels=channels, height=1, width=width, stride=1, lines=1, line=width, is_matrix=1)
        found.positions, found.out_height, found.out_width = width, 1, width
        most = (channels + 1) * STEP
    else:
        images, channels, height, width = shape
        out_height, out_width = conv.output_size(height, width)
        if conv.kernel_shape == (1, 1) and conv.stride == 1 and conv.padding == 0:  # an image is one line
            height, width, out_height, out_width = 1, height * width, 1, out_height * out_width
        s, padding = conv.stride, conv.padding
        lines, line = (-(-(side + 2 * padding) // s) for side in (height, width))
        # An odd number of cache lines a plane, so that those of one position lie in different sets of the cache.
        plane = (-(-lines * line // STEP) | 1) * STEP
        found = CInput(images=images, channels=channels, height=height, width=width, stride=s, padding=padding)
        found.lines, found.line, found.plane, found.out_height, found.out_width = (
            lines,
            line,
            plane,
            out_height,
            out_width,
        )
        found.positions = (out_height - 1) * line + out_width
        found.image = most = channels * s * s * plane + -(-found.positions // STEP) * STEP
    found.features_last = features_last
    if 2 * most >= _MOST_BYTES:
        raise SettingError(f"expected an input of less than 4 GB an image, or of fewer features; got {shape}")
    return found


def places_of(columns: NDArray[np.int64], of: CInput, conv: Conv | None) -> NDArray[np.uint32]:
    """Return where the line of each column begins, in bytes from a tile's first position; -1: the line of zeros."""
    if conv is None:
        found = np.where(columns < 0, of.channels, columns) * STEP
    else:
        s, (height, width) = conv.stride, conv.kernel_shape
        channel, kernel = np.divmod(columns, height * width)
        kh, kw = np.divmod(kernel, width)
        found = ((channel * s + kh % s) * s + kw % s) * of.plane + kh // s * of.line + kw // s
        found = np.where(columns < 0, of.channels * s * s * of.plane, found)
    return (found * 2).astype(np.uint32)


def _as_read(x: torch.Tensor, conv: Conv | None) -> tuple[torch.Tensor, bool]:
    """Return x as numbers in an order that C reads, copied only where it lies in another, and whether features lie last."""
    import torch

    x = x.resolve_neg()
    if conv is None:
        features_last = not x.is_contiguous() and x.t().is_contiguous()
    else:
        features_last = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    return x if features_last else x.contiguous(), features_last


def _output(shape: tuple[int, ...], *, features_last: bool) -> torch.Tensor:
    """Return memory for a Y, which lies as X does."""
    import torch

    to = [0, *range(2, len(shape)), 1] if len(shape) > 2 else [1, 0]
    lies = tuple(shape[at] for at in to) if features_last else shape
    made = torch.empty(lies, dtype=torch.bfloat16, device="cpu")
    return made.permute([to.index(at) for at in range(len(shape))]) if features_last else made


def _splits(packed: PackedAmx, wanted: int) -> NDArray[np.int64]:
    """Return where the panels are cut into at most `wanted` ranges of like numbers of weights."""
    sums = packed.weight_starts[packed.part_starts[1:]] + np.arange(1, packed.part_starts.size)
    cuts = np.searchsorted(sums, sums[-1] * np.arange(1, wanted) / wanted)
    return np.unique(np.concatenate([[0], cuts, [sums.size]])).astype(np.int64)
