"""Several tensors that mean one weight: packed bits with values, quantised numbers with their scales."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.formats.base import Archive
from sparselab.formats.combiners.base import Combine, apply_combiner
from sparselab.formats.combiners.left_alone import leave_packed
from sparselab.formats.combiners.packed_integers import combine_packed_integers
from sparselab.formats.combiners.scaled_float8 import combine_scaled_float8
from sparselab.formats.combiners.sparse_bitmask import combine_sparse_bitmask

COMBINERS: Mapping[str, Combine] = MappingProxyType(
    {
        "sparse-bitmask": combine_sparse_bitmask,
        "scaled-float8": combine_scaled_float8,  # after the bits: what they hold may be 8-bit floats with a scale
        "packed-integers": combine_packed_integers,
        "left-alone": leave_packed,
    }
)
"""Combiners by what they read, in the order in which they look through a file."""


def combine(archive: Archive) -> Archive:
    """Return the archive with every combiner's weights in it."""
    for each in COMBINERS.values():
        archive = apply_combiner(each, archive)
    return archive
