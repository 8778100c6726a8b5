"""What refinement is given, checked: scores as a tensor of whole numbers, groups as a partition of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sparselab.core.device import as_tensor
from sparselab.core.errors import SparselabError
from sparselab.core.inputs.arrays import as_array, given
from sparselab.core.inputs.tensors import is_tensor, why_not_read
from sparselab.core.mask import IntVector, Mask

if TYPE_CHECKING:
    import torch

ScoresLike: TypeAlias = Mask | ArrayLike
LARGEST_SCORE = 2**30
"""Sums of scores up to here are exact in float64, whatever the order."""


def as_scores(value: ScoresLike) -> torch.Tensor:
    """Return the worth of every weight as a matrix of int8 zeros and ones, or of whole float64; a tensor of
    these types stays where it is.

    A mask, booleans and integers of nothing but 0 and 1 are counts.

    Raises: SparselabError for anything but a matrix of whole numbers from 0 to 2**30.
    Example: >>> as_scores(Mask(np.eye(2, dtype=bool))).dtype, as_scores([[0.0, 3.0]]).dtype
             (torch.int8, torch.float64)
    """
    import torch

    scores = _tensor(value)
    if scores.dim() != 2 or scores.numel() == 0:
        raise SparselabError(f"expected a matrix of scores, rows x columns; got {given(value)}")
    is_whole = not scores.is_floating_point() or not bool(scores.frac().count_nonzero())  # NaN counts as not zero
    least, most = scores.min().item(), scores.max().item()
    if not is_whole or least < 0 or most > LARGEST_SCORE:
        raise SparselabError(f"expected scores that are whole numbers from 0 to {LARGEST_SCORE}; got {given(value)}")
    counts = not scores.is_floating_point() and most <= 1
    return scores.to(torch.int8 if counts else torch.float64)


def as_groups(groups: Sequence[ArrayLike], rows: int) -> tuple[IntVector, ...]:
    """Return groups as vectors of row numbers. Raises: SparselabError unless every row is in exactly one of them."""
    try:
        vectors = [as_array(group) for group in groups]
    except TypeError:
        raise SparselabError(f"expected a list of groups of row numbers; got {given(groups)}") from None
    wrong = next((v for v in vectors if v.ndim != 1 or (v.size and v.dtype.kind not in "iu")), None)
    if wrong is not None:
        raise SparselabError(f"expected every group to be a vector of row numbers; got {given(wrong)}")
    whole = tuple(vector.astype(np.int64) for vector in vectors)
    listed = np.sort(np.concatenate(whole)) if whole else np.zeros(0, dtype=np.int64)
    if not np.array_equal(listed, np.arange(rows)):
        raise SparselabError(
            f"expected groups that hold each of {rows} rows once; got {len(whole)} groups of {listed.size} rows, "
            f"{np.unique(listed).size} of them different"
        )
    return whole


def _tensor(value: ScoresLike) -> torch.Tensor:
    import torch

    if isinstance(value, Mask):
        return as_tensor(value.kept.view(np.int8), "cpu")
    if is_tensor(value) and value.dtype in (torch.int8, torch.int32, torch.float64) and value.layout == torch.strided:
        if why := why_not_read(value):
            raise SparselabError(f"expected scores that can be read; got {given(value)}: {why}")
        return value.detach()
    array = as_array(value)
    if array.dtype.kind not in "biuf":
        raise SparselabError(f"expected scores of whole numbers; got {given(value)}")
    return as_tensor(array.astype(np.float64) if array.dtype.kind in "uf" else array, "cpu")
