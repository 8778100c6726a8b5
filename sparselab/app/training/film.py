"""The film of one run: a layer's mask frame by frame, or how to get one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from sparselab.app.film_view import film_payload, show_payload
from sparselab.app.shell.faults import show_fault
from sparselab.app.shell.url_state import linked_select
from sparselab.core.errors import SparselabError
from sparselab.training.runs.film import film_layers, film_of
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.views import RunView, read_run

_NO_FRAME = (
    "This run has no frame yet. Masks that move while a network trains (set, rigl, dsb, top-kast) are kept at every update where "
    "keep_masks is 1: under *More settings*, or `--keep-masks 1`. Of other runs every level is a frame."
)


def show_film(view: RunView) -> None:
    """Show the film of a run, with a choice of its layers."""
    st.markdown("**Film of the masks**")
    try:
        names = film_layers(view)
        if not names:
            st.info(_NO_FRAME, icon=":material/movie:")
            return
        layer = linked_select("Layer of the film", names, "film_layer", default=names[-1], label_of=str)
        show_payload(_payload(str(view.info.folder), layer, _stamp(view)), key="_film")
    except SparselabError as error:
        show_fault(error)


def _stamp(view: RunView) -> tuple[tuple[int, int], ...]:
    """Return what changes when there are more frames."""
    paths = RunPaths(view.info.folder)
    stats = [path.stat() for path in (paths.film, paths.results) if path.is_file()]
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)


@st.cache_data(show_spinner=False, max_entries=4)
def _payload(folder: str, layer: str, stamp: tuple[tuple[int, int], ...]) -> bytes:
    return film_payload(film_of(read_run(Path(folder)), layer=layer))
