"""What was detected in a file: its layers, and the tensors that are none."""

from __future__ import annotations

import streamlit as st

from sparselab.app.inputs.read_options import in_words_of_the_page
from sparselab.app.inputs.source import Source
from sparselab.app.shell.escape import literal
from sparselab.formats.describe import NOT_COUNTED, notes_of, skipped_of

_SHOWN_NOTES = 6
_SHOWN_REASONS = 40


def show_card(source: Source) -> None:
    """Show what was detected, the layers and the tensors that are none, behind a button that says how many they are."""
    layers, skipped = source.card["layers"], source.card["skipped"]
    label = f"Detected: {source.card['format']}, {len(layers)} layer{'s' * (len(layers) != 1)}"
    if skipped:
        label += f"; {len(skipped)} other tensor{'s' * (len(skipped) != 1)} left alone"
    with st.popover(label, type="tertiary", width="content"):
        for note in _notes(source)[_SHOWN_NOTES:]:
            st.caption(f":material/info: {note}")
        if any(layer["count"] is None for layer in layers):
            st.caption(
                f"Large: only the headers were read. Layers without a density are {NOT_COUNTED}; one is counted when it is chosen."
            )
        rows = [
            {
                "layer": layer["name"],
                "rows": layer["shape"][0],
                "columns": layer["shape"][1],
                "density": layer["density"],
                "weights": {True: "yes", False: "mask only", None: NOT_COUNTED}[layer["has_weight"]],
                "read as": layer["conversion"],
            }
            for layer in layers
        ]
        st.dataframe(
            rows,
            hide_index=True,
            height=min(38 + 35 * len(rows), 300),
            column_config={"density": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)},
        )
        if skipped:
            st.caption("Other tensors, and why they are not prunable layers:")
            for text in skipped_of(source.card)[:_SHOWN_REASONS]:
                st.caption(literal(in_words_of_the_page(text)))


def show_notes(source: Source) -> None:
    """Show in plain sight what was assumed when the file was read; beyond the first few, `show_card` has them."""
    for note in _notes(source)[:_SHOWN_NOTES]:
        st.caption(f":material/info: {note}")


def _notes(source: Source) -> list[str]:
    return [literal(in_words_of_the_page(note)) for note in notes_of(source.card)]
