"""The tab Sweep of Explore: the transform's knob over its range, budget by budget, from one click."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.analysis.worth import KEPT
from sparselab.app.explore.sweep_chart import sweep_figure
from sparselab.app.explore.sweep_points import (
    SweptPoint,
    as_csv,
    found_points,
    in_words,
    label_of,
    measure_of_all,
    same_point,
)
from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.jobs.list_progress import run_calls
from sparselab.app.jobs.stored import results_of
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import fault_text
from sparselab.app.shell.visit import choose, chosen
from sparselab.runtime.broker import Call, JobList
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.explore import View
from sparselab.workflows.stored_sweep import stored_sweep_row
from sparselab.workflows.sweep import Sweep, sweep_of

_CHART = "_sweep_chart"


def show_sweep(view: View, request: ExploreRequest) -> None:
    """Offer the sweep of the transform chosen, or run it and show it; the address says which."""
    sweep = sweep_of(TRANSFORMS[request.transform], request.settings, view.layout.before.density)
    if isinstance(sweep, str):
        st.info(f"{sweep}.")
        return
    if not chosen("sweep", False):
        _offer(sweep)
        return
    run_calls(
        _key(request, sweep),
        _calls(request, sweep),
        partial=partial(_partial, sweep, request),
        final=partial(_show, sweep, request),
        what="points",
        is_public=request.source.is_public,
    )


def _offer(sweep: Sweep) -> None:
    values = ", ".join(f"{value:g}" for value in dict.fromkeys(point.value for point in sweep.points))
    budgets = f" at {len(sweep.densities)} budgets around the mask's own" if sweep.budget else ""
    st.caption(f"{sweep.knob.label} {values}{budgets}: what is kept, beside what random groups keep.")
    over = " x density" if sweep.budget else ""
    st.button(
        f"Sweep {sweep.knob.label.lower()}{over}",
        on_click=partial(choose, {"sweep": True}),
        key="_sweep_start",
        type="primary",
        icon=":material/stacked_line_chart:",
    )


def _calls(request: ExploreRequest, sweep: Sweep) -> list[Call]:
    source = request.source
    told = (request.seed, source.options, str(results_of(source)))
    return [
        (stored_sweep_row, (source.path, request.layer, request.transform, dict(point.settings), *told))
        for point in sweep.points
    ]


def _key(request: ExploreRequest, sweep: Sweep) -> str:
    """An exact name for the answer, the same wherever the knobs that are swept stand."""
    source, points = request.source, [dict(point.settings) for point in sweep.points]
    where = source.path, asdict(source.options), request.layer, request.digest
    return json.dumps(["sweep", *where, request.transform, points, request.seed], sort_keys=True)


def _partial(sweep: Sweep, request: ExploreRequest, jobs: JobList, slot: DeltaGenerator) -> None:
    if points := found_points(sweep, jobs.results):
        slot.plotly_chart(sweep_figure(sweep, points, request.settings), key=f"_sweep_partial_{len(points)}")


def _show(sweep: Sweep, request: ExploreRequest, jobs: JobList) -> None:
    points = found_points(sweep, jobs.results)
    st.markdown(in_words(sweep, points))
    _errors(jobs.results)
    if len(jobs.results) < jobs.total:
        st.button("Go on", on_click=partial(setattr, jobs, "key", None), key="_sweep_go_on")
    if not points:
        return
    st.plotly_chart(
        sweep_figure(sweep, points, request.settings),
        key=_CHART,
        on_select=partial(_clicked, sweep),
        selection_mode="points",
    )
    st.caption(_legend(sweep, points, request.settings))
    _choice(sweep, points)


def _legend(sweep: Sweep, points: Sequence[SweptPoint], now: Mapping[str, Any]) -> str:
    charts = (
        ", a chart a budget (weights spent, in % of all; its own: as many as the mask keeps)" if sweep.budget else ""
    )
    text = f"What is kept {KEPT[measure_of_all(points)]}{charts}. A click on a point sets the knobs to it."
    if any(each.chance is not None for each in points):
        text += " The band reaches from the least to the most that random groups of the same height keep."
    if any(same_point(each.point, now) for each in points):
        text += " The ring is where the knobs stand."
    return text


def _choice(sweep: Sweep, points: Sequence[SweptPoint]) -> None:
    """Let a point be chosen without a pointer, and the table be taken."""
    labels = [label_of(sweep, each) for each in points]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        place = st.selectbox("Point", range(len(labels)), format_func=labels.__getitem__, key="_sweep_point")
        st.button("Set the knobs to it", on_click=partial(_set, points[place].point.settings, sweep), key="_sweep_set")
        st.download_button(
            "Table (.csv)",
            data=partial(as_csv, sweep, points),
            file_name="sweep.csv",
            on_click="ignore",
            icon=":material/download:",
            key="_sweep_csv",
        )


def _clicked(sweep: Sweep) -> None:
    """Set the knobs to the point that was clicked."""
    event: Any = st.session_state.get(_CHART)
    places = [point["customdata"] for point in event["selection"]["points"] if "customdata" in point] if event else []
    if places:
        place = places[0][0] if isinstance(places[0], list) else places[0]
        _set(sweep.points[int(place)].settings, sweep)


def _set(settings: Mapping[str, Any], sweep: Sweep) -> None:
    moved = [each for each in (sweep.knob, sweep.budget) if each is not None]
    choose({each.name: None if settings[each.name] == each.default else settings[each.name] for each in moved})


def _errors(results: Mapping[int, Any]) -> None:
    for text in dict.fromkeys(fault_text(each) for each in results.values() if isinstance(each, Exception)):
        st.caption(literal(text))
