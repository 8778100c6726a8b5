"""The mask of a layer without its weights: zeros are counted on the numbers as they lie in the file."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.layers import all_ones, nonzero
from sparselab.core.inputs.words import WORD_TYPES, are_ones, nonzero_words, special_words
from sparselab.core.mask import Mask
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.conversion import Plan, arranged, check_finite


def survey(plan: Plan, weight: ArchiveEntry | None, mask: ArchiveEntry | None) -> tuple[Mask, bool]:
    """Return the mask that loading the layer gives, and whether it has weights then.

    16-bit and 8-bit floats are never widened: at the peak they and a byte for each are held.

    Raises: FileError for NaN and infinite numbers, as loading does.
    """
    if mask is None:
        assert weight is not None
        kept, is_mask = _kept(plan, weight)
        return kept, not is_mask
    kept, _ = _kept(plan, mask)
    if weight is not None:
        _kept(plan, weight)
    return kept, weight is not None


def _kept(plan: Plan, entry: ArchiveEntry) -> tuple[Mask, bool]:
    """Return which numbers are not 0, and whether all of those are 1."""
    if entry.load_stored is None or entry.stored not in WORD_TYPES:
        values = entry.load()
        check_finite(plan.name, values)
        matrix: NDArray[Any] = arranged(plan, values)
        kept = Mask._adopt(nonzero(matrix))
        return kept, all_ones(matrix, kept)
    words = entry.load_stored()
    if wrong := special_words(words, entry.stored):
        raise FileError(f"{plan.name}: expected finite weights; got {wrong} that are NaN or infinite")
    return Mask._adopt(arranged(plan, nonzero_words(words, entry.stored))), are_ones(words, entry.stored)
