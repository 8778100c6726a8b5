"""Sparse tensors of an ONNX model: the values that are not zero, and where they lie.

The indices are places in the flattened tensor, one a value, or one row of coordinates a value; they rise and come once.
Source: github.com/onnx/onnx, SparseTensorProto in onnx/onnx.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.base import check_shape
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.onnx.tensors import OnnxTensor, parse_tensor
from sparselab.formats.parsing.onnx.wire import Field, Wire

VALUES, INDICES, SPARSE_DIMS = 1, 2, 3
_INT64 = 7


@dataclass(frozen=True, kw_only=True)
class SparseTensor:
    """A tensor as its values other than zero and their indices, each a tensor of its own. `fault` as in OnnxTensor."""

    shape: tuple[int, ...]
    values: OnnxTensor
    indices: OnnxTensor
    parents: tuple[Field, ...]
    field: Field
    fault: str = ""

    @property
    def name(self) -> str:
        return self.values.name

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    @property
    def stored(self) -> str:
        return self.values.kind.stored

    def load_words(self, path: Path) -> NDArray[Any]:
        """Return the numbers of the whole tensor. Raises: FileError for indices out of range, or that do not rise."""
        return self._dense(path, self.values.load_words(path))

    def load(self, path: Path) -> NDArray[Any]:
        """Return the values of the whole tensor. Raises: FileError for indices out of range, or that do not rise."""
        return self._dense(path, self.values.load(path))

    def _dense(self, path: Path, values: NDArray[Any]) -> NDArray[Any]:
        label, places = clean_name(self.name), self.indices.load_words(path)
        if places.ndim == 2:
            sizes = np.array(self.shape)
            if ((places < 0) | (places >= sizes)).any():
                raise FileError(f"{label}: expected indices within {self.shape}; got others")
            places = places @ np.cumprod([1, *self.shape[:0:-1]])[::-1]
        if places.size and not (places[0] >= 0 and places[-1] < prod(self.shape) and (np.diff(places) > 0).all()):
            raise FileError(f"{label}: expected indices that rise, below {prod(self.shape)}; got others")
        dense = np.zeros(prod(self.shape), values.dtype)
        dense[places] = values
        return dense.reshape(self.shape)


def parse_sparse(
    wire: Wire, field: Field, parents: tuple[Field, ...], path: Path, limits: ReadLimits, name: str = ""
) -> SparseTensor | None:
    """Return the sparse tensor in a message, None without values or indices; what is wrong with it is its `fault`.

    Raises: FileError for a message that is damaged.
    """
    parts = wire.parts(field)
    if len(parts[VALUES]) != 1 or len(parts[INDICES]) != 1:
        return None
    shape = tuple(size for part in parts[SPARSE_DIMS] for size in wire.integers(part))
    inner = (*parents, field)
    values = parse_tensor(wire, parts[VALUES][0], inner, path, limits, name)
    indices = parse_tensor(wire, parts[INDICES][0], inner, path, limits, name)
    fault = values.fault or indices.fault
    if not fault:
        try:
            check_shape(values.name, shape, limits)
        except FileError as error:
            fault = str(error).removeprefix(f"{clean_name(values.name)}: ")
    if not fault and indices.code != _INT64:
        fault = "expected indices of int64; got others"
    if not fault and (len(values.shape) != 1 or indices.shape not in (values.shape, (*values.shape, len(shape)))):
        fault = f"expected one index a value; got {indices.shape} for {values.shape}"
    return SparseTensor(shape=shape, values=values, indices=indices, parents=parents, field=field, fault=fault)
