"""What the toy component is sent, and what it sends back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sparselab.analysis.toy import Toy, ToyState, after, sorted_by_groups
from sparselab.core.errors import SparselabError
from sparselab.runtime import messages


def toy_message(toy: Toy, state: ToyState | None = None, *, covered: bool = False) -> bytes:
    """Return the message of `runtime.messages` that shows a toy; state: where a learner goes on, else at the start.

    "edition" names the toy: while it stays the same, what a learner has done stays too. "sorted" is the order of the groups, to which
    the rows travel when the machine sorts; the component sorts the columns itself, because cells may have been toggled since.
    "covered": it shows nothing that it counts or compares; not part of the toy, so that what was done outlives the reveal.
    """
    told = {**_told(toy), "edition": edition(toy), "covered": covered}
    return messages.dump({**told, "state": as_plain(state or ToyState.of(toy))})


def edition(toy: Toy) -> str:
    """Return a name for a toy: equal for equal toys alone."""
    return hashlib.sha256(json.dumps(_told(toy)).encode()).hexdigest()[:16]


def _told(toy: Toy) -> dict[str, Any]:
    return {
        "mode": toy.mode,
        "kept": toy.mask.kept.astype(int).tolist(),
        "weights": toy.weights,
        "inputs": toy.inputs,
        "heights": [len(group) for group in toy.groups],
        "sorted": sorted_by_groups(toy).row_order,
        "start": as_plain(ToyState.of(toy)),
    }


def as_plain(state: ToyState) -> dict[str, Any]:
    """Return a state as the component knows it."""
    return {
        "toggled": state.toggled,
        "rows": state.row_order,
        "columns": state.column_order,
        "pair": state.pair,
        "step": state.step,
    }


def read_state(toy: Toy, told: Mapping[str, Any] | None) -> ToyState:
    """Return the state that the component has told; before it has told any, or while it tells of another toy, that of the start.

    Raises: SparselabError where what it tells fits no toy of this size: somebody else has written it.
    """
    if told is None or told.get("edition") != edition(toy):
        return ToyState.of(toy)
    try:
        state = ToyState(
            toggled=tuple(sorted({(int(row), int(col)) for row, col in told["toggled"]})),
            row_order=tuple(map(int, told["rows"])),
            column_order=tuple(map(int, told["columns"])),
            pair=None if told["pair"] is None else (int(told["pair"][0]), int(told["pair"][1])),
            step=int(told["step"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        raise SparselabError("toy: expected a state as the component tells it; got another: reload the page") from None
    after(toy, state)
    return state
