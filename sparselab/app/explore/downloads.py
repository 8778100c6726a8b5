"""Downloads: the new mask, the orders, the block table, the report, the picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import streamlit as st

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.jobs.export import show_exports
from sparselab.app.shell.work import run_once
from sparselab.core.version import __version__
from sparselab.display.document import layout_document
from sparselab.formats import blocks_csv, permutation_csv
from sparselab.formats.writing.recipe import recipe_for
from sparselab.runtime.pipes import Limits
from sparselab.workflows.explore import View

_HERE_UP_TO = 4_000_000
"""Weights of a layer whose picture is made in this process: that takes a third of a second. A larger one gets its own."""


def show_takeaway(view: View, request: ExploreRequest) -> None:
    """Show the downloads; each file is made when its button is pressed."""
    stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in request.layer)[:80]
    columns = st.columns(2)
    with columns[0]:
        st.markdown("**The file with the new mask** (other layers and tensors as they are)")
        show_exports(request.source, lambda: {request.layer: view.layout.pack()}, stem)
    with columns[1]:
        st.markdown("**Tables, report and picture**")
        _button("Blocks (.csv)", f"{stem}-blocks.csv", lambda: blocks_csv(view.layout).encode())
        _button("Row order (.csv)", f"{stem}-rows.csv", lambda: permutation_csv(view.layout.row_order).encode())
        _button("Column order (.csv)", f"{stem}-columns.csv", lambda: permutation_csv(view.layout.col_order).encode())
        _button("Report (.json)", f"{stem}-report.json", lambda: _report(view, request))
        _button("Picture (.html)", f"{stem}-picture.html", partial(_picture, view, request))
    st.caption("To load it into a model:")
    st.code(recipe_for("torch", "NEW.pt", masks=False), language="python")
    st.caption(
        "Picture (.html) holds both masks, rows by group, and all numbers: it zooms and reads weights out as this page does, in any "
        "browser and without a network. To save what is in view as an image: “Save picture” above the masks. To save a chart: the "
        "camera in its corner."
    )
    st.caption(f"Digest of the mask after: `{view.layout.after.digest}`")


def _button(label: str, name: str, make: Callable[[], bytes]) -> None:
    st.download_button(
        label, data=make, file_name=name, on_click="ignore", icon=":material/download:", key=f"_take_{label}"
    )


def _picture(view: View, request: ExploreRequest) -> bytes:
    call = request.layer, view.layout, dict(view.report)
    if view.layout.before.kept.size <= _HERE_UP_TO:
        return layout_document(*call).encode()
    html: str = run_once(layout_document, *call, limits=Limits())
    return html.encode()


def _report(view: View, request: ExploreRequest) -> bytes:
    document = {
        "source": request.source.title,
        "layer": request.layer,
        "transform": request.transform,
        "settings": request.settings,
        "seed": request.seed,
        "report": view.report,
        "invariants": [{"name": law.name, "holds": law.holds, "figure": law.figure} for law in view.invariants],
        "digest_before": view.layout.before.digest,
        "digest_after": view.layout.after.digest,
        "version": __version__,
    }
    return json.dumps(document, indent=2).encode()
