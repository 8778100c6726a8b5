"""Which weights of one layer are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sparselab.core.errors import SparselabError

BoolMatrix = NDArray[np.bool_]
IntVector = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mask:
    """Which weights of one layer are kept: `kept` is bool, rows (output channels) x cols.

    The array is a read-only private copy, so a mask can be shared, hashed and cached. Two masks are equal when their
    shapes and all their bits are.

    Raises: SparselabError when `kept` is not a matrix of two dimensions or holds anything but booleans.
    Example: >>> Mask(np.eye(2, dtype=bool)).density
             0.5
    """

    kept: BoolMatrix

    def __post_init__(self) -> None:
        array = np.asarray(self.kept)
        if array.ndim != 2:
            raise SparselabError(f"expected a matrix of 2 dimensions; got {array.shape}: call as_matrix first")
        if array.dtype != np.bool_:
            raise SparselabError(f"expected booleans; got {array.dtype}: compare with zero first")
        if array.size == 0:
            raise SparselabError(f"expected at least one row and one column; got {array.shape}")
        owned = np.array(array, dtype=np.bool_, order="C")
        owned.flags.writeable = False
        object.__setattr__(self, "kept", owned)

    @classmethod
    def _adopt(cls, kept: BoolMatrix) -> Mask:
        """Take over an array nobody else holds: the copy of the public constructor is for arrays we do not own."""
        mask = object.__new__(cls)
        kept = np.ascontiguousarray(kept)
        kept.flags.writeable = False
        object.__setattr__(mask, "kept", kept)
        return mask

    @classmethod
    def from_packed(cls, packed: NDArray[np.uint8], shape: tuple[int, int]) -> Mask:
        """Unpack rows of bits, most significant first, each row padded to whole bytes (`np.packbits(axis=1)`)."""
        rows, cols = shape
        if packed.shape != (rows, -(-cols // 8)) or packed.dtype != np.uint8:
            raise SparselabError(
                f"expected {rows} x {-(-cols // 8)} bytes for a {rows} x {cols} mask; got {packed.shape}"
            )
        return cls._adopt(np.unpackbits(packed, axis=1, count=cols).view(np.bool_))

    @property
    def shape(self) -> tuple[int, int]:
        return self.kept.shape[0], self.kept.shape[1]

    @property
    def rows(self) -> int:
        return int(self.kept.shape[0])

    @property
    def cols(self) -> int:
        return int(self.kept.shape[1])

    @cached_property
    def count(self) -> int:
        """Number of kept weights."""
        return int(np.count_nonzero(self.kept))

    @property
    def density(self) -> float:
        """Kept weights / all weights, in [0, 1]."""
        return self.count / self.kept.size

    @property
    def sparsity(self) -> float:
        """1 - density."""
        return 1.0 - self.density

    @cached_property
    def packed(self) -> NDArray[np.uint8]:
        """The bits, eight to a byte, most significant first, rows padded to whole bytes."""
        bits = np.packbits(self.kept, axis=1)
        bits.flags.writeable = False
        return bits

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the shape and of every bit: equal masks have equal digests, and different ones do not."""
        return hashlib.sha256(f"{self.rows}x{self.cols}:".encode() + self.packed.tobytes()).hexdigest()

    def permuted(self, rows: ArrayLike | None = None, cols: ArrayLike | None = None) -> Mask:
        """Return the mask whose row i is this one's row rows[i], and likewise for columns.

        Example: >>> Mask(np.eye(2, dtype=bool)).permuted(rows=[1, 0]).kept.astype(int).tolist()
                 [[0, 1], [1, 0]]
        """
        kept = self.kept
        if rows is not None:
            kept = kept[np.asarray(rows)]
        if cols is not None:
            kept = np.take(kept, np.asarray(cols), axis=1)
        return Mask(kept) if kept is self.kept else Mask._adopt(kept)

    def _combine(self, other: Mask, operate: Callable[..., Any]) -> Mask:
        if self.shape != other.shape:
            raise SparselabError(f"expected two masks of one shape; got {self.shape} and {other.shape}")
        return Mask._adopt(operate(self.kept, other.kept))

    def __and__(self, other: Mask) -> Mask:
        return self._combine(other, np.logical_and)

    def __or__(self, other: Mask) -> Mask:
        return self._combine(other, np.logical_or)

    def __sub__(self, other: Mask) -> Mask:
        """Weights kept here and not there. On booleans a > b is just "a and not b", in one pass."""
        return self._combine(other, np.greater)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and self.shape == other.shape and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        # Bits travel to workers, not bytes: 7 MB instead of 58 MB for a 4096 x 14336 layer.
        return Mask.from_packed, (self.packed, self.shape)

    def __repr__(self) -> str:
        return f"Mask({self.rows} x {self.cols}, density {self.density:.4f})"
