"""Compare with another file: how much its masks and those of the file looked at have in common, layer by layer."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from sparselab.app.inputs.cards import own_path, remembered_card
from sparselab.app.inputs.path_policy import allowed_roots, resolve_under, ticket_roots
from sparselab.app.inputs.samples import SAMPLES, available, sample_path
from sparselab.app.inputs.source import Source
from sparselab.app.shell.escape import literal
from sparselab.app.shell.session import session
from sparselab.app.shell.work import run_once, run_stranger
from sparselab.core.csv_text import rows_csv
from sparselab.core.errors import SparselabError
from sparselab.formats import ReadOptions, file_stamp, read_untrusted
from sparselab.runtime.pipes import Limits
from sparselab.runtime.worker import WorkerError
from sparselab.workflows.diff import diff_files

_LIMITS = Limits(wall_seconds=120)
_COLUMNS = ("name", "kept_a", "kept_b", "both", "expected", "deviation", "jaccard", "chance_jaccard")


def show_other_file(source: Source) -> None:
    """Show the choice of a second file, and what its masks have in common with those of `source`."""
    with st.expander("Compare with another file", icon=":material/difference:"):
        st.caption(
            "Two seeds, two levels, or what was claimed and what was shipped: how many weights both keep, layer by layer, beside what two "
            "random masks of the same counts would share."
        )
        try:
            other = _choose()
            if other is not None:
                _show(source, *other)
        except (SparselabError, WorkerError, OSError) as error:
            st.error(literal(str(error)), icon=":material/block:")


def _choose() -> tuple[str, str] | None:
    """Show how another file is chosen; return where its layers can be read, and its title."""
    kinds = ["Sample", "Upload", *(["Path"] if allowed_roots() else [])]
    kind = st.segmented_control("Other file", kinds, default=kinds[0], key="_other_source", required=True)
    if kind == "Sample":
        name = st.selectbox(
            "Other sample", available(), index=None, key="_other_sample", format_func=lambda name: SAMPLES[name][0]
        )
        return None if name is None else (str(sample_path(name)), f"sample {name}")
    if kind == "Path":
        text = st.text_input("Path of the other file", key="_other_path", help="A file, or the folder of a model.")
        path = resolve_under(text, ticket_roots(), folder=None) if text else None
        return None if path is None else (str(path), path.name)
    file = st.file_uploader("Other mask or checkpoint", key="_other_upload")
    if file is None:
        return None
    return _own(file.getvalue(), Path(file.name).suffix), file.name[:200]


def _own(content: bytes, suffix: str) -> str:
    """Return where the layers of an upload lie in our own format, read once in a limited process."""
    key = f"other:{hashlib.sha256(content).hexdigest()}{suffix}"

    def read(out: Path) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(dir=session().folder) as folder:
            came = Path(folder) / ("upload" + "".join(c for c in suffix[:12] if c.isalnum() or c == "."))
            came.write_bytes(content)
            return read_untrusted(came, out, run=run_stranger)

    remembered_card(key, read)
    return str(own_path(key))


def _show(source: Source, path: str, title: str) -> None:
    key = f"diff:{source.path}:{source.stamp}:{source.options}:{path}:{file_stamp(path)}"
    found = remembered_card(
        key,
        lambda _out: run_once(
            diff_files, source.path, source.options, path, ReadOptions(), limits=_LIMITS, what="Comparing the masks"
        ),
    )
    st.markdown(literal(f"A: {source.title}; B: {title}. {found['sentence']}"))
    rows = [{name: layer[name] for name in _COLUMNS} for layer in found["layers"]]
    if rows:
        st.dataframe(rows, hide_index=True, column_config=_columns(), key="_other_table")
        st.download_button(
            "Overlaps (.csv)", data=lambda: rows_csv(list(rows[0]), rows), file_name="overlaps.csv", on_click="ignore",
            icon=":material/download:", key="_other_csv",
        )  # fmt: skip
    for item in found["not_compared"]:
        st.caption(literal(f"{item['name']}: not compared: {item['reason']}"))
    for note in found["notes"]:
        st.caption(literal(note))


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "name": "layer",
        "kept_a": number("A keeps", help="weights that the file looked at keeps"),
        "kept_b": number("B keeps", help="weights that the other file keeps"),
        "both": number("both keep", help="weights kept by A and by B"),
        "expected": number(
            "by chance", format="%.1f", help="what two random masks of the same counts share, on average"
        ),
        "deviation": number("± by chance", format="%.1f", help="its standard deviation"),
        "jaccard": number("overlap", format="percent", help="kept by both / kept by either (Jaccard)"),
        "chance_jaccard": number("overlap by chance", format="percent", help="the same for as many as chance shares"),
    }
