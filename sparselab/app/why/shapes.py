"""What follows from shapes, densities and positions: Amdahl's bound, memory or compute, and what was measured of such shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from sparselab.app.inputs.setting_widget import linked_setting, setting_widgets
from sparselab.app.inputs.source import choose_source
from sparselab.app.jobs.measured import come_with_the_project, measured_here
from sparselab.app.shell.address import fixed_keys
from sparselab.app.shell.escape import literal
from sparselab.app.shell.visit import page_now
from sparselab.app.why.charts import amdahl_figure
from sparselab.benchmarking.host import processor_name
from sparselab.benchmarking.records import Session
from sparselab.core.errors import SparselabError
from sparselab.diagnosis.evidence import LayerEvidence
from sparselab.diagnosis.stated import Machine, Modelled, Stated, amdahl, machine_of, modelled, state

_MOST_LAYERS = 500
_EXAMPLE_FACTOR = 4.0


def show_shapes() -> None:
    """Show the pickers, Amdahl's bound, and a row for every layer."""
    st.caption("Nothing runs here: what follows is arithmetic, and what this machine measured before of such shapes.")
    share = (
        0.01 * setting_widgets([fixed_keys(page_now())["why_share"].setting], linked=True, sliders=True)["why_share"]
    )
    st.markdown(_bound_in_words(share))
    st.plotly_chart(amdahl_figure(share), key="_why_amdahl")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        from_file = linked_setting("why_file")
        positions = linked_setting("why_positions", width=108)
        dtype = linked_setting("why_dtype", width=108)
        stated = [] if from_file else [_one_layer(positions, dtype)]
    layers = _of_file(positions, dtype) if from_file else stated
    if not layers:
        return
    sessions = _sessions(measured_here)
    machine = machine_of(sessions, dtype)
    found = [state(layer, sessions, machine) for layer in layers]
    _say_machine(machine, dtype)
    known = (*sessions, *_sessions(come_with_the_project)) if any(not each.measured for each in found) else ()
    nearest = [None if each.measured else modelled(each.layer, known, processor_name()) for each in found]
    rows = [_row(each, near) for each, near in zip(found, nearest, strict=True)]
    st.dataframe(rows, hide_index=True, column_config=_columns(knows_machine=machine is not None))
    _say_model(nearest)
    if not any(each.measured for each in found):
        st.markdown(
            "No layer of these shapes was measured here yet. The page **Latency** does so, or the command line:"
        )
        st.code(
            f"sparselab bench FILE --layer NAME --positions {positions} --dtype {dtype}",
            language="bash",
            wrap_lines=True,
        )


def _bound_in_words(share: float) -> str:
    if share >= 1:
        return "The pruned layers have **all** of the time: what they gain, the model gains."
    return (
        f"If the pruned layers took no time at all, the model would be **{1 / (1 - share):.2f} times as fast**; with layers "
        f"{_EXAMPLE_FACTOR:g} times as fast, {amdahl(share, _EXAMPLE_FACTOR):.2f} times."
    )


def _one_layer(positions: int, dtype: str) -> LayerEvidence:
    rows, cols = linked_setting("why_rows", width=108), linked_setting("why_cols", width=108)
    kept = linked_setting("why_kept", width=108)
    return LayerEvidence(name="stated", shape=(rows, cols), density=0.01 * kept, positions=positions, dtype=dtype)


def _of_file(positions: int, dtype: str) -> list[LayerEvidence]:
    with st.sidebar:
        source = choose_source()
    if source is None:
        st.info("Choose a file on the left.", icon=":material/upload_file:")
        return []
    st.text(source.title)
    cards = [card for card in source.card["layers"] if card["density"] is not None]
    if len(cards) < len(source.card["layers"]):
        st.caption(f"{len(source.card['layers']) - len(cards)} layers were not counted, and are left out.")
    return [
        LayerEvidence(
            name=card["name"], shape=tuple(card["shape"]), density=card["density"], positions=positions, dtype=dtype
        )
        for card in cards[:_MOST_LAYERS]
    ]


def _sessions(read: Callable[[], Sequence[Session]]) -> Sequence[Session]:
    try:
        return read()
    except SparselabError as error:
        st.error(literal(str(error)), icon=":material/database_off:")
        return ()


def _say_machine(machine: Machine | None, dtype: str) -> None:
    if machine is None:
        st.caption(
            f"Whether memory or arithmetic decides is known once anything was measured here in {dtype}: every session measures the "
            "machine's peak and bandwidth too."
        )
        return
    st.caption(
        f"This machine in {dtype}, measured {machine.date[:10]}: {machine.gflops:.0f} GFLOP/s, {machine.gbytes:.1f} GB/s; below "
        f"{machine.ridge:.1f} operations a byte memory decides."
    )


def _columns(*, knows_machine: bool) -> dict[str, Any]:
    """Return how columns look: together as wide as the page is on a screen of 1280 pixels, the answer first."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "layer": text(width=96),
        "kept": number(format="percent", width=52),
        "pays up to": text(
            width=78, help="The largest share of weights kept at which a sparse product was faster than dense."
        ),
        "no gain from": text(
            width=92, help="The smallest share of weights kept at which no sparse product was faster than dense."
        ),
        "rests on": text(
            width=172,
            help="What that rests on: this shape, measured here, or the nearest one that was measured, which is a model.",
        ),
        "weight": text(width=86),
        "at best": number(
            format="%.1fx", width=60, help="1 / share of weights kept: at the rate of the dense product."
        ),
        "op/byte": number(
            format="%.3g",
            width=62,
            help="Operations a byte of the dense product: 2 x weights x positions / bytes of weights, inputs and outputs.",
        ),
        "decides": text(width=72) if knows_machine else None,
    }


def _row(found: Stated, near: Modelled | None) -> dict[str, object]:
    layer, answer = found.layer, near or found
    return {
        "layer": layer.name,
        "kept": layer.density,
        "pays up to": _percent(answer.pays_to),
        "no gain from": _percent(answer.fails_from),
        "rests on": "measured here" if found.measured else _model_in_words(near),
        "weight": f"{layer.shape[0]} x {layer.shape[1]}",
        "at best": found.at_best,
        "op/byte": layer.intensity,
        "decides": found.bound_by,
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.3g} %"


def _model_in_words(near: Modelled | None) -> str:
    if near is None:
        return "nothing near it"
    return f"(model) {near.shape[0]} x {near.shape[1]} at {near.positions}"


def _say_model(nearest: Sequence[Modelled | None]) -> None:
    """Say what (model) means, and where it was measured."""
    places = list(
        dict.fromkeys("here" if near.is_here else f"on {near.device}" for near in nearest if near is not None)
    )
    if places:
        st.caption(
            f"(model): rows x columns at positions of the nearest product that was measured {literal(' or '.join(places))}, taken for a "
            "layer that was not."
        )
