"""Measurements of a page's tab: asked for by a button, run one after another, kept for the visit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.jobs.list_progress import run_calls
from sparselab.app.jobs.measured import MEASURED
from sparselab.app.latency.measurement import Measurement, MeasurementPlan, Results, State
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import show_fault
from sparselab.app.shell.session import session
from sparselab.benchmarking.requests import Measured
from sparselab.runtime.broker import JobList

_KEY = "_latency_measurement"

"""Where the session keeps the keys of what was measured in this visit: in a room a visitor is shown no others' results."""


def measured_by(
    plan: MeasurementPlan,
    *,
    label: str,
    what: str,
    told: str,
    show: Callable[[Results], None],
    partial: Callable[[Results], None] | None = None,
    otherwise: Callable[[], None] | None = None,
) -> None:
    """Show a button that starts a plan, its progress with Cancel while it runs, and what it gave: now, or earlier in this visit.

    label: of the button before there are results. what: what the calls are, in the plural. told: what is measured, beside the
    button. show, partial: draw results, all of them or those so far. otherwise: draws what there is while nothing was measured.
    """
    jobs, measurement = session().measurements, _measurement()
    if measurement.state_of(plan) is State.RUNNING and jobs.key == measurement.name and not jobs.is_busy:
        measurement = _remember(measurement.ended(jobs.results))
    again = "Measure again" if plan.key in measurement.kept else label
    is_at_work = measurement.state_of(plan) is State.RUNNING
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Measuring" if is_at_work else again,
            type="primary",
            icon=":material/timer:",
            key=f"_{plan.tab}_measure",
            on_click=_ask,
            args=(plan,),
            disabled=is_at_work,
        )
        st.caption(f"{'Measuring now' if is_at_work else 'Measures'}: {literal(told)}.")
    if measurement.is_outdated_by(plan) and jobs.is_busy:
        jobs.cancel()
        st.info("Stopped, because a setting changed.", icon=":material/cancel:")
    if measurement.is_of(plan):
        _run(plan, measurement, what=what, show=show, partial=partial)
    elif measurement.state_of(plan) is State.DONE:
        show(measurement.kept[plan.key])
    elif otherwise is not None:
        otherwise()


def _run(
    plan: MeasurementPlan,
    measurement: Measurement,
    *,
    what: str,
    show: Callable[[Results], None],
    partial: Callable[[Results], None] | None,
) -> None:
    def show_partial(jobs: JobList, slot: DeltaGenerator) -> None:
        if partial is not None and jobs.results:
            with slot.container():
                partial(jobs.results)

    def show_final(jobs: JobList) -> None:
        _remember(measurement.ended(jobs.results))
        if jobs.results:
            show(jobs.results)

    run_calls(
        measurement.name,
        plan.calls,
        partial=show_partial,
        final=show_final,
        what=what,
        jobs=session().measurements,
        threads=plan.threads,
        is_alone=True,
    )


def _ask(plan: MeasurementPlan) -> None:
    session().measurements.cancel()
    _remember(_measurement().asked(plan))


def _measurement() -> Measurement:
    found: Measurement = st.session_state.get(_KEY, Measurement())
    return found


def _remember(measurement: Measurement) -> Measurement:
    st.session_state[_KEY] = measurement
    return measurement


def measured_or_said(result: Any) -> Measured | None:
    """Return what was measured; say why there is nothing, or why it could not be stored."""
    if said_instead(result):
        return None
    measured = Measured.from_json(result)
    st.session_state.setdefault(MEASURED, set()).add(measured.session.key)
    if measured.not_stored:
        st.warning(f"Measured, but not stored: {literal(measured.not_stored)}", icon=":material/save:")
    return measured


def said_instead(result: Any) -> bool:
    """Return whether an exception came instead of an answer, having said so."""
    if isinstance(result, Exception):
        show_fault(result)
    return isinstance(result, Exception)
