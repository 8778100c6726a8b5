"""Downloads of a whole file with new masks: made in a worker when a button is pressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from sparselab.app.inputs.source import Source
from sparselab.app.shell.session import session
from sparselab.app.shell.work import run_once
from sparselab.formats import FORMATS, FORMS, REWRITERS, UNTRUSTED_LIMITS, WRITERS, Form
from sparselab.runtime.pipes import Limits
from sparselab.workflows.model import export_ticket

Packed = Callable[[], Mapping[str, Mapping[str, Any]]]
"""What makes the layouts, packed, by layer."""

_SECONDS = 300.0
_OF_FILES = "model-folder"
_TITLES: Mapping[Form, str] = {"own": "as in the file", "pairs": "pairs", "zeros": "zeros"}


def show_exports(source: Source, layouts: Packed, stem: str) -> None:
    """Show a choice of the form, and a button for each format that the file can be written in."""
    form = st.segmented_control(
        "Layers are written",
        FORMS,
        default="own",
        format_func=_TITLES.__getitem__,
        key="_export_form",
        required=True,
        help="As in the file: names, pairs, masks and number types as they came. Pairs: weights and masks apart, as X_orig and "
        "X_mask of torch.nn.utils.prune. Zeros: weights that are 0 where they are dropped. A weight that comes back has the "
        "value the file has for it, else 0: among plain zeros it then looks like a dropped one, and only pairs keep the mask.",
    )
    if form != "pairs":
        st.caption(
            "In a file of plain weights those that come back are 0 until they are trained, so the file alone does not show the new "
            "blocks: *pairs* keeps weights and masks apart."
        )
    with st.container(horizontal=True):
        for format in _formats(source):
            suffix = FORMATS[format].suffixes[0]
            st.download_button(
                f"{format} ({suffix})",
                data=partial(exported, source, layouts, format, form or "own"),
                file_name=f"{stem}{suffix}",
                on_click="ignore",
                icon=":material/download:",
                key=f"_export_{format}",
                help="The whole file with the new masks: other layers, biases and buffers go along, under the names they have.",
            )


def exported(source: Source, layouts: Packed, format: str, form: Form) -> bytes:
    """Return the file with new masks, its bytes. A stranger's is read and written within the limits of uploads."""
    out = session().folder / f"export-{format}"
    path, options, limits = source.path, source.options, Limits(wall_seconds=_SECONDS)
    if source.original is not None:
        path, options = source.original.path, source.original.options
        limits = replace(UNTRUSTED_LIMITS, wall_seconds=_SECONDS, cpu_seconds=int(_SECONDS))
    try:
        call = (path, options, layouts(), str(out), format, form)
        run_once(export_ticket, *call, limits=limits, is_stranger=source.original is not None)
        return out.read_bytes()
    finally:
        out.unlink(missing_ok=True)


def _formats(source: Source) -> list[str]:
    own = source.card["format"]
    first = [own] if own in REWRITERS and own not in WRITERS and own != _OF_FILES else []
    return [*first, *WRITERS]
