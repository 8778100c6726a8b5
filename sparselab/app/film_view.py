"""FilmView: the masks of one layer as a film on a canvas, drawn by `sparselab/display/film`."""

from __future__ import annotations

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from sparselab.core.errors import SparselabError
from sparselab.display.assets import FILM, MOTION, bundle, markup, styles
from sparselab.display.film_message import every_nth, film_message
from sparselab.training.runs.film import Film
from sparselab.training.runs.film.stability import block_chance, block_stability, kept_stability
from sparselab.training.tasks.metrics import ACCURACY


def film_view(film: Film, *, key: str, layer: str | None = None, height: int = 320) -> None:
    """Show the film of one layer, with accuracy and stability beside it.

    Args:
        key: names the view: while it stays the same and the film too, the frame that is shown outlives a rerun.
        layer: which layer; None for the first one.
        height: height of the picture in CSS pixels.
    Raises: SparselabError for a film without a frame or without that layer.
    """
    show_payload(film_payload(film, layer), key=key, height=height)


def show_payload(payload: bytes, *, key: str, height: int = 320) -> None:
    """Show what `film_payload` made of a film, for those who keep it."""
    _component(height)(data=payload, key=key)


def film_payload(film: Film, layer: str | None = None) -> bytes:
    """Return what the browser is sent for one layer. Raises: SparselabError for a film without a frame or without that layer."""
    if not len(film):
        raise SparselabError(f"expected at least one frame; the film has none yet. {film.note}".strip())
    shown = film.layers[0] if layer is None else film.layer(layer)
    step = every_nth(shown.packed[:1].nbytes, len(film))
    note = film.note if step == 1 else f"{film.note} One frame in {step} is shown.".strip()
    packed = shown.packed[::step]
    groups = None if shown.groups is None else shown.groups[::step]
    return film_message(
        shown.name,
        shown.shape,
        packed,
        at=film.at[::step],
        updates=film.updates[::step],
        unit=film.unit,
        curves={
            "kept": kept_stability(packed),
            "blocks": None if groups is None else block_stability(groups),
            "chance": None if groups is None else block_chance(groups),
        },
        groups=groups,
        looks=[(look.at, look.value) for look in film.looks],
        metric=film.metric,
        split=film.split,
        is_share=film.metric == ACCURACY.name,
        note=note,
    )


@cache
def _component(height: int) -> ComponentRenderer:
    return st.components.v2.component(
        f"sparselab_film_{height}",
        html=markup(FILM, height),
        css=styles(MOTION, FILM),
        js=bundle(FILM),
    )
