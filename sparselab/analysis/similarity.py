"""How alike the rows of a mask are: exact Jaccard and cosine similarity of kept columns, on any device.

Of a large mask the matrix of all pairs is never made: `similarity_rows` gives the rows that are asked for. Both measures come from the same counts |A_i & A_j|, a product of zeros and ones that is exact in int8 (accumulated in int32)
and in float32 (below 2**24 columns) alike, so every path gives the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sparselab.core.device import as_tensor, resolve_device
from sparselab.core.errors import SettingError
from sparselab.core.mask import IntVector, Mask
from sparselab.core.torch_private import int8_product

if TYPE_CHECKING:
    import torch

_STRIP = 1024  # rows a strip of the product: the part below the diagonal is mirrored, not computed
_FEWEST_INT8_TERMS = 16
MOST_ROWS_WHOLE = 2048
"""Rows up to which all pairs are compared at once and remembered: 16 MiB."""


class SimilarityRows(Protocol):
    """The rows of a similarity matrix by number: an array, or one who makes them when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | IntVector, /) -> NDArray[np.float32]: ...


def similarity_rows(mask: Mask, kind: str, device: str = "auto") -> SimilarityRows:
    """Return the similarity called `kind` of every pair of rows, to be read a few rows at a time.

    The numbers are those of `similarity_tensor`. Up to MOST_ROWS_WHOLE rows it is that matrix; of a larger mask nothing is
    kept but its bits as bytes, and the rows asked for are computed anew each time.

    Example: >>> similarity_rows(Mask(np.eye(3, dtype=bool)), "jaccard")[1:2].tolist()
             [[0.0, 1.0, 0.0]]
    """
    if mask.rows <= MOST_ROWS_WHOLE:
        return _on_cpu(similarity_tensor(mask, kind, device))
    return _RowsOnDemand(mask, _measure(kind), str(resolve_device(device)))


class _RowsOnDemand:
    """Rows of a similarity matrix that is too large to be made."""

    def __init__(self, mask: Mask, measure: Similarity, device: str) -> None:
        self._mask, self._measure, self._device = mask, measure, device

    @cached_property
    def _kept(self) -> torch.Tensor:
        return as_tensor(self._mask.kept.view(np.int8), self._device)

    @cached_property
    def _counts(self) -> torch.Tensor:
        return as_tensor(self._mask.kept.sum(axis=1, dtype=np.int32), self._device)

    def __len__(self) -> int:
        return self._mask.rows

    def __getitem__(self, rows: slice | IntVector) -> NDArray[np.float32]:
        import torch

        numbers = as_tensor(np.arange(len(self))[rows], self._kept.device)
        shared = count_product(self._kept[numbers], self._kept.T)
        similar = self._measure.of(shared, self._counts[numbers], self._counts)
        similar[torch.arange(len(numbers)), numbers] = 1.0
        found: NDArray[np.float32] = similar.cpu().numpy()
        return found


def jaccard_similarity(mask: Mask, *, device: str = "auto") -> NDArray[np.float32]:
    """Return the Jaccard similarity of every pair of rows.

    J[i, j] = |A_i & A_j| / |A_i | A_j|, with A_i the columns kept in row i. Two empty rows are alike (J = 1).

    Returns: float32 rows x rows in [0, 1], symmetric, ones on the diagonal; read-only.
    Source: Structure-LTH, Sec. 3.3 (two kernels that share three of their eight non-zero columns: 3/8).
    Example: >>> float(jaccard_similarity(Mask(np.array([[1, 1, 0], [0, 1, 1]], dtype=bool)))[0, 1])
             0.3333333432674408
    """
    return _on_cpu(similarity_tensor(mask, "jaccard", device))


def cosine_similarity(mask: Mask, *, device: str = "auto") -> NDArray[np.float32]:
    """Return the cosine similarity of every pair of rows.

    C[i, j] = |A_i & A_j| / sqrt(|A_i| |A_j|), with A_i the columns kept in row i. Two empty rows are alike (C = 1), an
    empty and a filled one are not (C = 0).

    Returns: float32 rows x rows in [0, 1], symmetric, ones on the diagonal; read-only.
    Source: what DSB's released code computes under the name of Jaccard.
    Example: >>> round(float(cosine_similarity(Mask(np.array([[1, 1, 0], [0, 1, 1]], dtype=bool)))[0, 1]), 3)
             0.5
    """
    return _on_cpu(similarity_tensor(mask, "cosine", device))


def similarity_tensor(mask: Mask, kind: str, device: str = "auto") -> torch.Tensor:
    """Return the similarity called `kind` ("jaccard" or "cosine") as a float32 tensor on `device`.

    The last few are remembered by the mask's exact digest, so turning a knob that does not touch them costs nothing.
    Callers must not write to it. Raises: SettingError for another kind.
    """
    _measure(kind)
    return _similarity(mask, kind, str(resolve_device(device)))


def _measure(kind: str) -> Similarity:
    if kind not in SIMILARITIES:
        raise SettingError(f"similarity: expected one of {', '.join(SIMILARITIES)}; got {kind!r}")
    return SIMILARITIES[kind]


@lru_cache(maxsize=3)
def _similarity(mask: Mask, kind: str, device: str) -> torch.Tensor:
    shared = shared_columns(mask, device)
    counts = shared.diagonal().clone()
    similar = SIMILARITIES[kind].of(shared, counts, counts)
    return similar.fill_diagonal_(1.0)


def shared_columns(mask: Mask, device: str) -> torch.Tensor:
    """Return |A_i & A_j| for every pair of rows, int32 rows x rows, exactly."""
    import torch

    kept = as_tensor(mask.kept.view(np.int8), device)
    result = torch.empty((mask.rows, mask.rows), dtype=torch.int32, device=device)
    for start in range(0, mask.rows, _STRIP):
        stop = min(start + _STRIP, mask.rows)
        strip = count_product(kept[start:stop], kept[start:].T)
        result[start:stop, start:] = strip
        result[start:, start:stop] = strip.T
    return result


def count_product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return `left @ right` of two int8 matrices of zeros and ones, exactly, as int32.

    The int8 product on the CPU, where it takes any shape, a float32 product otherwise: with fewer than 2**24 terms both
    are exact. Few terms are not worth the former, and with a single one torch 2.13 returns noise.
    """
    import torch

    if left.device.type == "cpu" and left.shape[1] >= _FEWEST_INT8_TERMS:
        return int8_product(left, right)
    return (left.to(torch.float32) @ right.to(torch.float32)).to(torch.int32)


def _jaccard(shared: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    union = (left[:, None] + right[None, :]).sub_(shared)
    similar = shared.float().div_(union.clamp(min=1).float())
    return similar.masked_fill_(union == 0, 1.0)


def _cosine(shared: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    import torch

    # float64, rounded once at the end: the CPU and CUDA then agree to the last bit.
    product = (left[:, None].to(torch.float64) * right[None, :]).sqrt_().clamp_(min=1.0)
    similar = (shared.to(torch.float64) / product).to(torch.float32)
    return similar.masked_fill_((left == 0)[:, None] & (right == 0)[None, :], 1.0)


def _on_cpu(tensor: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.cpu().numpy().view()
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Similarity:
    """One measure: `of` makes it from the shared columns (left x right) and the kept columns of the rows left and right."""

    meaning: str
    of: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


SIMILARITIES: Mapping[str, Similarity] = MappingProxyType(
    {
        "jaccard": Similarity("columns that both rows keep / columns that either keeps", _jaccard),
        "cosine": Similarity("columns that both rows keep / geometric mean of what each keeps", _cosine),
    }
)
