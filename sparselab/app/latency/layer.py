"""Latency of one layer: its layout after the transform, or its mask as it is, on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial

import streamlit as st

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.jobs.explore_job import view_of, watch
from sparselab.app.latency.controls import MORE, choose_kernels, choose_opponents, choose_product
from sparselab.app.latency.measurement import MeasurementPlan, Results
from sparselab.app.latency.offer import offer_stored
from sparselab.app.latency.result import show_session
from sparselab.app.latency.run import measured_by, measured_or_said
from sparselab.benchmarking.requests import MeasurementRequest, measure_request
from sparselab.core.groups import grouped_in_words
from sparselab.kernels import DENSE, KERNELS
from sparselab.workflows.explore import View

_STEP = "; a training step, Y, dX and dW"


def show_layer(request: ExploreRequest) -> None:
    """Show the pickers, the button, and what was measured of this layer under this layout."""
    place = st.container()
    answer = view_of(request, place)
    if isinstance(answer, View):
        _show_measured(request, answer)
    elif answer is not None:
        st.caption("The transform is running. The layer can be measured when it is done.")
        watch(answer, place)


def _show_measured(request: ExploreRequest, view: View) -> None:
    source = request.source
    card = next(item for item in source.card["layers"] if item["name"] == request.layer)
    if card["groups"] > 1:
        said = grouped_in_words(card["groups"], card["shape"][0])
        st.info(f"{said.capitalize()}, which see different inputs: no kernel here is measured on one.")
        return
    # The answer and its chart come first on the page; what is asked follows below them.
    answer = st.container()
    front, more = st.container(), st.expander(f"{MORE}, kernels, opponents")
    with front:
        product = choose_product(card, source.card["layers"], request.seed, more=more)
    with more:
        backward = bool(linked_setting("backward"))
        able = [name for name, kernel in KERNELS.items() if name not in DENSE and (kernel.trains or not backward)]
        kernels = choose_kernels(able)
        opponents = () if backward else choose_opponents()
    settings = ", ".join(f"{name}={value}" for name, value in request.settings.items())
    about = {"file": source.title, "layer": request.layer, "transform": request.transform, "settings": settings}
    asked = MeasurementRequest(
        path=source.path,
        layer=request.layer,
        options=source.options,
        layout=view.layout.pack(),
        kernels=kernels,
        opponents=opponents,
        backward=backward,
        about=about | {"seed": str(request.seed), "input": product.input_shown + _STEP * backward},
        **product.settings,
    )
    key = json.dumps(["layer", request.key, asdict(product), backward, kernels, opponents])

    def show(results: Results) -> None:
        measured = measured_or_said(results[0]) if 0 in results else None
        if measured is not None:
            show_session(measured.session, "layer")

    plan = MeasurementPlan(
        tab="layer", key=key, calls=[(measure_request, (asked,))], threads=product.effort.threads or 1
    )
    told = f"{request.layer} at {product.shown}{_STEP * backward}"
    with answer:
        offer = partial(offer_stored, card["digest"], view.layout, asked)
        measured_by(plan, label="Measure here", what="sessions", told=told, show=show, otherwise=offer)
