"""Cards of files (format, layers, other tensors), each read once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from sparselab.app.shell.session import session
from sparselab.app.shell.work import run_once
from sparselab.core.errors import LimitError, SparselabError
from sparselab.formats import ReadOptions, card_of_layer, card_of_path, describe, read_ticket
from sparselab.formats.limited import limits_of
from sparselab.runtime.pipes import Limits

_WALL_SECONDS = 120


@dataclass(frozen=True)
class _Read:
    """A card, or why there is none. is_copied: it speaks of this session's copy of the file, which may be cleared away."""

    card: Any
    is_copied: bool


@st.cache_data(show_spinner=False, max_entries=32)
def sample_card(path: str, _modified: int) -> dict[str, Any]:
    """Return the card of a sample, the same for every visitor until the file changes."""
    return describe(read_ticket(path))


def remembered_card(key: str, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Return the card of a file, read once a session; a refusal is remembered as well, but not that a limit was reached.

    A busy machine reaches a limit with a good file.
    """
    cards: dict[str, _Read] = st.session_state.setdefault("_cards", {})
    if key not in cards or (cards[key].is_copied and not own_path(key).exists()):
        try:
            card: Any = read(own_path(key))
        except LimitError:
            raise
        except SparselabError as error:
            card = error
        cards[key] = _Read(card, own_path(key).exists())
    if isinstance(cards[key].card, SparselabError):
        raise cards[key].card
    found: dict[str, Any] = cards[key].card
    return found


def own_path(key: str) -> Path:
    """Return where this session keeps its copy of the file called `key`."""
    return session().folder / f"{hashlib.sha256(key.encode()).hexdigest()}.safetensors"


def limits_at(path: str | Path, options: ReadOptions) -> Limits:
    """Return what reading a file on this machine may take: it may be a stranger's all the same."""
    return replace(limits_of(path, options.masks), wall_seconds=_WALL_SECONDS)


def card_in_worker(path: str, options: ReadOptions) -> dict[str, Any]:
    """Return the card of a file or folder, read in a limited process of its own."""
    found: dict[str, Any] = run_once(
        card_of_path, path, options, limits=limits_at(path, options), what="Reading the file"
    )
    return found


def layer_in_worker(path: str, name: str, options: ReadOptions) -> dict[str, Any]:
    """Return what a card says of one layer, counted in a limited process of its own."""
    limits = limits_at(path, options)
    found: dict[str, Any] = run_once(card_of_layer, path, name, options, limits=limits, what="Counting the layer")
    return found
