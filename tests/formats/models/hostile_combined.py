"""Tensors that should mean one weight together and do not, made as somebody hostile, or a broken writer, would make them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

Tensors = dict[str, torch.Tensor]


def bitmask_parts(name: str, weight: torch.Tensor, kept: torch.Tensor) -> Tensors:
    """A weight as compressed-tensors stores it, by its definition: values, bits, shape, row offsets."""
    bits = np.packbits(kept.numpy(), axis=-1, bitorder="little")
    counts = kept.sum(dim=1)
    return {
        f"{name}.compressed": weight[kept],
        f"{name}.bitmask": torch.tensor(bits),
        f"{name}.shape": torch.tensor(weight.shape),
        f"{name}.row_offsets": (counts.cumsum(0) - counts)[:, None],
    }


def bits_but(**changes: torch.Tensor | None) -> Callable[[], Tensors]:
    """Values and bits of one weight with some parts changed, or left out (None)."""

    def make() -> Tensors:
        kept = torch.zeros(4, 16, dtype=torch.bool)
        kept[:, ::2] = True
        parts = bitmask_parts("w", torch.arange(1.0, 65).reshape(4, 16), kept)
        parts |= {f"w.{end}": part for end, part in changes.items() if part is not None}
        return {name: part for name, part in parts.items() if changes.get(name.removeprefix("w."), part) is not None}

    return make


def float8(scale: torch.Tensor) -> Callable[[], Tensors]:
    return lambda: {"w": torch.ones(4, 8).to(torch.float8_e4m3fn), "w_scale": scale}


def packed(**changes: torch.Tensor) -> Callable[[], Tensors]:
    parts = {
        "w_packed": torch.full((4, 2), 0x11111111, dtype=torch.int32),
        "w_shape": torch.tensor([4, 16]),
        "w_scale": torch.ones(4, 2),
    }
    return lambda: parts | {f"w_{end}": part for end, part in changes.items()}


HUGE = torch.tensor([2**31, 2**31])

HOSTILE_COMBINED: dict[str, tuple[Callable[[], Tensors], str]] = {
    "sparse-bitmask: more values than bits": (bits_but(compressed=torch.ones(33)), "expected 33 bits"),
    "sparse-bitmask: fewer values than bits": (bits_but(compressed=torch.ones(31)), "expected 31 bits"),
    "sparse-bitmask: no bits": (bits_but(bitmask=None), "got only some of them"),
    "sparse-bitmask: no shape": (bits_but(shape=None), "got only some of them"),
    "sparse-bitmask: shape huge": (bits_but(shape=HUGE), "the sizes of a matrix"),
    "sparse-bitmask: shape negative": (bits_but(shape=torch.tensor([-4, 16])), "the sizes of a matrix"),
    "sparse-bitmask: shape of three": (bits_but(shape=torch.tensor([4, 4, 4])), "two whole numbers"),
    "sparse-bitmask: shape of floats": (bits_but(shape=torch.tensor([4.0, 16.0])), "two whole numbers"),
    "sparse-bitmask: shape larger than the bits": (bits_but(shape=torch.tensor([4, 32])), "4 x 4 bytes of bits"),
    "sparse-bitmask: bits of another type": (bits_but(bitmask=torch.ones(4, 2)), "4 x 2 bytes of bits"),
    "sparse-bitmask: offsets that fall": (
        bits_but(row_offsets=torch.tensor([0, 24, 16, 8])),
        "row offsets that count the bits",
    ),
    "sparse-bitmask: offsets of more rows": (bits_but(row_offsets=torch.arange(5)), "expected 4 row offsets"),
    "sparse-bitmask: two of four, of another width": (bits_but(compressed=torch.ones(8, 4)), "expected 4 x 8 values"),
    "scaled-float8: NaN": (float8(torch.tensor([float("nan")])), "finite scales other than 0"),
    "scaled-float8: 0": (float8(torch.zeros(4, 1)), "finite scales other than 0"),
    "scaled-float8: infinite": (float8(torch.full((4, 1), float("inf"))), "finite scales other than 0"),
    "packed-integers: shape huge": (packed(shape=HUGE), "the sizes of a matrix"),
    "packed-integers: too few words": (packed(shape=torch.tensor([4, 64])), "words of 4 or 8 bits"),
    "packed-integers: words of bytes": (packed(packed=torch.ones(4, 2, dtype=torch.uint8)), "32-bit words"),
    "packed-integers: scale of another height": (packed(scale=torch.ones(3, 2)), "a scale for every row"),
    "packed-integers: groups out of range": (packed(g_idx=torch.arange(16, dtype=torch.int32)), "groups below 2"),
    "packed-integers: scale 0": (packed(scale=torch.zeros(4, 2)), "finite scales other than 0"),
}
"""Name -> (what makes the tensors, what the reason says). The name begins with that of the combiner."""
