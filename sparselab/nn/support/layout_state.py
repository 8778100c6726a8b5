"""The layout's digest in a state_dict: values mean nothing without the places that they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sparselab.core.mask import IntVector

DIGEST = "layout_digest"
"""The buffer's name: 32 numbers of 0 to 255."""


def digest_of(rows: IntVector, cols: IntVector, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return SHA-256 over the shape of a weight and the places of all its values, in their order."""
    sha = hashlib.sha256(f"{shape[0]}x{shape[1]}:".encode())
    for places in (rows, cols):
        sha.update(np.ascontiguousarray(places, "<i8").tobytes())
    return np.frombuffer(sha.digest(), np.uint8).copy()


def refusal(state: Mapping[str, Any], prefix: str, mine: NDArray[Any]) -> str:
    """Return why a state is not one of this layer, "" where it is or does not say, as states of older versions do not."""
    theirs = state.get(f"{prefix}{DIGEST}")
    if theirs is None or (isinstance(theirs, Tensor) and theirs.is_meta):
        return ""
    found = _hex(theirs)
    wanted = mine.astype(np.uint8).tobytes().hex()
    if found == wanted:
        return ""
    return (
        f"{prefix.rstrip('.') or 'the layer'}: expected values of the layout {wanted[:12]}; got those of {found[:12]}, whose "
        f"places are others: convert the model with the layouts that the state was saved with"
    )


def _hex(digest: Any) -> str:
    """Return a digest in hexadecimal figures, of whatever type of number it was cast to."""
    if not isinstance(digest, Tensor) or digest.numel() != 32 or digest.is_complex():
        return "no digest"
    return digest.detach().cpu().double().numpy().clip(0, 255).astype(np.uint8).tobytes().hex()
