"""What a film is sent: the masks of one layer frame by frame, and the curves beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError
from sparselab.runtime import messages

MOST_MESSAGE_BYTES = 2**25
"""More masks than these are not sent to a browser: `every_nth` says which are."""
RATES = (1, 2, 5, 10, 30)
"""Frames a second that can be chosen."""
_SECONDS = 12.0


def film_message(
    title: str,
    shape: tuple[int, int],
    packed: NDArray[np.uint8],
    *,
    at: Sequence[int],
    updates: Sequence[int],
    unit: str,
    curves: Mapping[str, NDArray[np.float64] | None],
    groups: NDArray[np.int32] | None,
    looks: Sequence[tuple[int, float]],
    metric: str,
    split: str,
    is_share: bool,
    note: str,
) -> bytes:
    """Return the message of `runtime.messages` that the film plays.

    Args:
        packed: uint8, frames x rows x ceil(cols / 8). groups: int32, frames x rows, or None; 0: a row in no block.
        at: the step or level (`unit`) of every frame; updates: how often the mask had moved.
        curves: `kept`, `blocks` and `chance`, each a share for every frame but the first, or None.
        looks: the metric of `split` at a step or level; `is_share`: it is a share, shown in percent.
    Raises: SparselabError for a film without a frame, or one longer than `MOST_MESSAGE_BYTES`.
    """
    if not len(packed):
        raise SparselabError("expected at least one frame; the film has none")
    if packed.nbytes > MOST_MESSAGE_BYTES:
        raise SparselabError(f"expected masks of at most {MOST_MESSAGE_BYTES:,} bytes; got {packed.nbytes:,}")
    told: dict[str, Any] = {
        "title": title,
        "rows": shape[0],
        "cols": shape[1],
        "masks": packed.reshape(-1),
        "groups": None if groups is None else groups.reshape(-1),
        "at": np.array(at, np.int32),
        "updates": np.array(updates, np.int32),
        "unit": unit,
        **curves,
        "looks": {
            "at": np.array([place for place, _ in looks], np.int32),
            "values": np.array([value for _, value in looks], np.float64),
        },
        "metric": metric,
        "split": split,
        "percent": is_share,
        "note": note,
        "rate": rate_of(len(packed)),
    }
    return messages.dump(told)


def every_nth(frame_bytes: int, frames: int) -> int:
    """Return which frames of a long film are sent to a browser: every n-th, as many as fit.

    Example: >>> every_nth(2**20, 31), every_nth(2**20, 100)
             (1, 4)
    """
    return max(1, -(-frame_bytes * frames // MOST_MESSAGE_BYTES))


def rate_of(frames: int) -> int:
    """Return the frames a second at which a film is played unless another is chosen: those of about 12 seconds.

    Example: >>> [rate_of(frames) for frames in (5, 61, 1000)]
             [1, 5, 30]
    """
    return min(RATES, key=lambda rate: abs(rate - frames / _SECONDS))
