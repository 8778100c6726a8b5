"""What structures keep against what they take: the results of Training, of a structure's energy and of Latency on one picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import streamlit as st

from sparselab.app.jobs.measured import measured_here
from sparselab.app.latency.stored import said_meanwhile
from sparselab.app.latency.tradeoff_chart import shown_name, tradeoff_figure
from sparselab.app.shell.escape import literal
from sparselab.app.shell.url_state import linked_segments
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.tradeoff import EXACT, Accuracy, Masks, TradeOff, masks_of, of_layer, of_networks, pareto
from sparselab.core.errors import SparselabError
from sparselab.core.paths import runs_folder
from sparselab.runtime.room import room
from sparselab.training.runs.judging import judgement_of
from sparselab.training.runs.views import list_runs, read_run

_LAYER, _NETWORK = "layer", "network"
_OF = {_LAYER: "this layer: energy kept", _NETWORK: "networks trained here: accuracy"}
_NAMES = {"energy": "Energy kept", "coverage": "Weights kept"}


def show_tradeoff(card: Mapping[str, Any]) -> None:
    """Show one point for every structure and density that was measured on this machine, and the Pareto line.

    card: the layer as its file's card shows it.
    """
    answer = st.container()
    of = linked_segments("Points of", _OF, "tradeoff", default=_LAYER)
    try:
        with answer:
            with said_meanwhile("Reading what is stored on this machine"):
                sessions = measured_here()
            if of == _LAYER:
                _of_layer(card, sessions)
            else:
                _of_networks(sessions)
    except SparselabError as error:
        st.error(literal(str(error)), icon=":material/database_off:")


def _of_layer(card: Mapping[str, Any], sessions: Sequence[Session]) -> None:
    products = of_layer(sessions, card["digest"])
    if not products:
        st.info(
            "No stored latency session is of this layer's mask. Measure a structure on the tab *This layer*: each one measured "
            "adds a point.",
            icon=":material/database:",
        )
        return
    product = next(iter(products))
    if len(products) > 1:
        product = st.selectbox("Input and arithmetic", list(products), key="_tradeoff_product")
    _show(products[product], "energy" if products[product][0].measure == "energy" else "coverage")
    st.caption(f"All with {literal(product)}.")


def _of_networks(sessions: Sequence[Session]) -> None:
    accuracies = dict(_trained())
    points = of_networks(sessions, accuracies)
    if not points:
        missing = [] if accuracies else ["no finished training is stored on this machine (page Training)"]
        if not any("place" in session.about for session in sessions):
            missing.append("no network was measured whole on this machine (tab *Whole network*)")
        if not missing:
            missing = [
                "no training here ended with the masks of a network that was measured: open its ticket, choose the same "
                "transform, settings and seed, and measure it on the tab *Whole network*"
            ]
        st.info(f"No points yet: {'; '.join(missing)}.", icon=":material/database:")
        return
    metrics = list(dict.fromkeys(point.measure for point in points))
    metric = metrics[0] if len(metrics) == 1 else st.selectbox("Metric", metrics, key="_tradeoff_metric")
    _show([point for point in points if point.measure == metric], metric)


def _trained() -> Iterator[tuple[Masks, Accuracy]]:
    """Return the metric of every training that is done, by its masks."""
    if room() is not None:  # trainings are the operator's
        return
    for info in list_runs(runs_folder()):
        for entry in read_run(info.folder).stages:
            judged = judgement_of(entry)
            yield (
                masks_of(layer["digest"] for layer in entry["layers"]),
                Accuracy(
                    value=judged.test,
                    metric=judged.metric,
                    source=f"run {info.run}, {entry['stage']}",
                    higher_is_better=judged.higher_is_better,
                ),
            )


def _show(points: Sequence[TradeOff], measure: str) -> None:
    best, name = pareto(points), _NAMES.get(measure, f"Test {measure}")
    st.markdown(_sentence(points, best, name))
    st.plotly_chart(tradeoff_figure(points, best, name), key="_tradeoff")
    rows = [
        {
            "structure": shown_name(point),
            name: point.worth,
            "speed-up": point.speedup.value,
            "99 % interval": f"{point.speedup.low:.2f} to {point.speedup.high:.2f}",
            "time": point.milliseconds,
            "density": point.density,
            "on the line": point in best,
            "settings": point.settings,
            "flags": ", ".join(point.flags),
            "source": "; ".join(point.sources),
        }
        for point in sorted(points, key=lambda point: -point.speedup.value)
    ]
    config: dict[str, Any] = {
        "density": st.column_config.NumberColumn(format="percent"),
        "speed-up": st.column_config.NumberColumn(format="%.2fx"),
        "time": st.column_config.NumberColumn(format="%.4g ms"),
        name: st.column_config.NumberColumn(format="%.4f"),
        "structure": st.column_config.TextColumn(pinned=True, width="medium"),
    }
    st.dataframe(rows, hide_index=True, column_config=config, key="_tradeoff_table")


def _sentence(points: Sequence[TradeOff], best: Sequence[TradeOff], name: str) -> str:
    """Say what the picture means: which points nothing beats."""
    count = len(points)
    said = f"**{len(best)} of {count} point{'s' * (count != 1)}** {'is' if len(best) == 1 else 'are'} on the line: no other is both faster and better in {name.lower()}."
    exact = next((point for point in points if point.structure == EXACT), None)
    if exact is not None and len(points) > 1:
        faster = sum(point.speedup.low > exact.speedup.high for point in points)
        said += f" {faster or 'None'} {'was' if faster <= 1 else 'were'} shown to be faster than the exact product, which drops nothing."
    return said
