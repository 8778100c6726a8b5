"""What is in this file: the strict patterns of its zeros, layer by layer, and whether a claim holds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.inputs.source import Source
from sparselab.app.model.audit_strip import ROWS_SHOWN, glyph_legend, strip_figure, strip_of
from sparselab.app.model.looks import parts_of
from sparselab.app.model.results import by_layer
from sparselab.app.shell.escape import literal
from sparselab.app.shell.open_in import open_in_explore
from sparselab.app.shell.session import session
from sparselab.app.shell.visit import choose, chosen, held
from sparselab.auditing import Audit, Claim, parse_claim
from sparselab.auditing.card import markdown_card
from sparselab.auditing.parts import audited_part, layer_of_plain
from sparselab.core.errors import SettingError
from sparselab.core.ticket import Skipped
from sparselab.runtime.broker import Call

_LOOK_SECONDS = 0.2
_CHART, _OPEN = "_audit_chart", "_audit_open"
_CLAIM_HELP = (
    "What the file is said to be, such as 2:4, exactly 2:4 out, 64:2:8, 16x16, rows, columns, heads, fan-in or none. "
    "N:M means at most N along the inputs, which is what kernels ask for."
)


class AuditPart:
    """The part of the page, drawn at once with what is known; `follow` waits for the rest, last on the page."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._jobs = session().audit
        self._progress: DeltaGenerator | None = None
        layers = source.card["layers"]
        self._parts = list(parts_of(layers))
        with st.expander("What is in this file", expanded=chosen("audit", False), icon=":material/fact_check:"):
            claim = self._ask(len(layers))
            if chosen("audit", False) and not isinstance(claim, SettingError):
                self._answer(claim)
        if (name := st.session_state.pop(_OPEN, None)) is not None:
            open_in_explore(source, name)

    def follow(self) -> None:
        """Wait for what is not done; a click ends the wait, not the work."""
        if self._progress is None:
            return
        while self._jobs.is_busy:
            done, total = len(self._jobs.results), self._jobs.total
            self._progress.progress(done / max(total, 1), text="Reading every layer")
            time.sleep(_LOOK_SECONDS)
            self._jobs.collect()
        st.rerun()

    def _ask(self, count: int) -> Claim | SettingError | None:
        st.caption(
            "Which patterns the zeros fulfil without exception: N:M, V:N:M, blocks, whole rows, columns and heads, constant "
            "fan-in. Beside each stands what chance gives."
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            text = st.text_input("Claim", placeholder="2:4", help=_CLAIM_HELP, width=220, **held("claim", ""))
            if not chosen("audit", False):
                st.button(
                    f"Audit {'its one layer' if count == 1 else f'all {count} layers'}",
                    on_click=partial(choose, {"audit": True}),
                    key="_audit_start",
                    icon=":material/fact_check:",
                )
        if not text.strip():
            return None
        try:
            return parse_claim(text)
        except SettingError as error:
            st.error(literal(str(error)), icon=":material/block:")
            return error

    def _answer(self, claim: Claim | None) -> None:
        source, text = self._source, None if claim is None else claim.text
        digests = [layer["digest"] for layer in source.card["layers"]]
        key = json.dumps(["audit", source.path, asdict(source.options), digests, source.stamp, text])
        calls: list[Call] = [(audited_part, (source.path, part, text, source.options)) for part in self._parts]
        self._jobs.start(key, calls, is_public=source.is_public)
        self._jobs.collect()
        if self._jobs.is_busy:
            self._progress = st.empty()
            self._progress.progress(0.0, text="Reading every layer")
            return
        self._show(_audit_of(source, by_layer(self._parts, self._jobs), text))

    def _show(self, found: Audit) -> None:
        for item in found.skipped[: len(found.skipped) if not found.layers else 0]:
            st.caption(literal(f"{item.name}: {item.reason}"))
        if not found.layers:
            return
        sentence = literal(found.sentence[:1].upper() + found.sentence[1:] + ".")
        if found.holds is None:
            st.info(sentence, icon=":material/fact_check:")
        else:
            say, icon = (st.success, "check_circle") if found.holds else (st.error, "cancel")
            say(sentence, icon=f":material/{icon}:")
        strip = strip_of(found.layers)
        with st.container(height=620 if len(strip.blocks) > ROWS_SHOWN else "content", border=False):
            st.plotly_chart(
                strip_figure(strip),
                key=_CHART,
                on_select=_clicked,
                selection_mode="points",
                config={"displayModeBar": False},
            )
        st.caption(glyph_legend(strip))
        self._take(found)

    def _take(self, found: Audit) -> None:
        names = [layer.name for layer in found.layers]
        words = {layer.name: f"{layer.name}: {layer.words}" for layer in found.layers}
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            name = st.selectbox("Layer", names, format_func=words.__getitem__, key="_audit_layer", width=320)
            st.button(
                "Open in Explore", on_click=partial(_open, name), key="_audit_open_layer", icon=":material/grid_on:"
            )
            for label, data, ending in (
                ("Card (.md)", partial(markdown_card, found, self._source.title), "md"),
                ("Report (.json)", partial(json.dumps, found.as_json(), indent=2), "json"),
            ):
                st.download_button(
                    label,
                    data,
                    f"audit.{ending}",
                    on_click="ignore",
                    icon=":material/download:",
                    key=f"_audit_{ending}",
                )


def _audit_of(source: Source, rows: Mapping[str, Mapping[str, Any]], claim: str | None) -> Audit:
    layers = tuple(layer_of_plain(row) for row in rows.values() if "error" not in row)
    left = [(item["name"], item["reason"]) for item in source.card["skipped"]]
    left += [(name, row["error"]) for name, row in rows.items() if "error" in row]
    return Audit(layers, tuple(Skipped(name, reason) for name, reason in left), claim, tuple(source.card["notes"]))


def _open(name: str) -> None:
    st.session_state[_OPEN] = name


def _clicked() -> None:
    """Open the layer that was clicked, once."""
    event: Any = st.session_state.get(_CHART)
    names = [point["customdata"] for point in event["selection"]["points"] if "customdata" in point] if event else []
    if names:
        _open(names[0][0] if isinstance(names[0], list) else names[0])
