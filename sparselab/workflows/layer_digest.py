"""What a layer holds as one digest: the same wherever the file lies, whatever it is called and in whichever format."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np

from sparselab.core.layer import Layer
from sparselab.core.strips import row_strips
from sparselab.formats import ReadOptions, load_layer
from sparselab.formats.stamp import file_stamp

_PARTS = ("weight", "rewound", "gradient", "features")


def layer_digest(layer: Layer) -> str:
    """Return the SHA-256 of all that a transform sees of a layer: mask, values and geometry, not its name.

    Example: >>> from sparselab.core.mask import Mask
             >>> one = Layer("a", Mask(np.eye(4, dtype=bool)))
             >>> layer_digest(one) == layer_digest(Layer("b", one.mask)) != layer_digest(Layer("a", one.mask, stride=2))
             True
    """
    geometry = (layer.mask.shape, layer.kernel_shape, layer.stride, layer.padding, layer.groups)
    found = hashlib.sha256(f"{geometry} {layer.mask.digest}".encode())
    for name in _PARTS:
        matrix = getattr(layer, name)
        if matrix is None:
            continue
        found.update(f" {name} {matrix.dtype.str} {matrix.shape} ".encode())
        for rows in row_strips(len(matrix), matrix.size // len(matrix)):
            found.update(np.ascontiguousarray(matrix[rows]).data.cast("B"))
    return found.hexdigest()


def digest_in(path: str, layer_name: str, options: ReadOptions) -> str:
    """Return the digest of one layer of a file; remembered until the file changes. Raises: FileError when it is gone."""
    return _digest_in(path, file_stamp(path, options.masks), layer_name, options)


@lru_cache(maxsize=64)
def _digest_in(path: str, _stamp: str, layer_name: str, options: ReadOptions) -> str:
    return layer_digest(load_layer(path, layer_name, options))
