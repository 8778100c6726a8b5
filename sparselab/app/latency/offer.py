"""A stored session of the layer at hand, offered while nothing was measured in this visit: to whoever opens a colleague's link."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from sparselab.app.latency.result import input_shown, show_session
from sparselab.app.latency.stored import all_sessions
from sparselab.app.shell.escape import literal
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.requests import MeasurementRequest
from sparselab.core.layout import Layout

_SHOWN = "_latency_offer"


def offer_stored(mask_digest: str, layout: Layout, asked: MeasurementRequest) -> None:
    """Show a button for the newest stored session of this layer under this layout, and the session once it was pressed.

    mask_digest: of the layer's mask as its file's card has it. asked: what would be measured; what differs from it is said.
    """
    session = stored_like(all_sessions(), mask_digest, layout.after.digest, asked)
    if session is None:
        return
    if st.session_state.get(_SHOWN) != session.key:
        name = literal(str(session.device.get("name", "another machine")))
        st.button(
            f"Measured on {name}, {session.date[:10]}: show",
            icon=":material/database:",
            key="_latency_offer_show",
            on_click=_show,
            args=(session.key,),
        )
        return
    st.caption(
        f"Measured on {literal(str(session.device.get('name', '')))}, {session.date[:16].replace('T', ' ')}; not in this visit."
    )
    if differs := differences(session, asked):
        st.info(f"It differs from what is asked for below: {differs}.", icon=":material/difference:")
    show_session(session, "offer")


def stored_like(
    sessions: Iterable[Session], mask_before: str, mask_after: str, asked: MeasurementRequest
) -> Session | None:
    """Return of the sessions of these masks, of steps or of forward passes as asked for, the one that differs least from what is asked for, of equals the first: the newest."""
    digests = {"mask_before": mask_before, "mask_after": mask_after}
    mine = [each for each in sessions if digests.items() <= each.about.items() and each.is_step == asked.backward]
    return min(mine, key=lambda each: len(_differences(each, asked)), default=None)


def differences(session: Session, asked: MeasurementRequest) -> str:
    """Return in words what a session was measured with otherwise than is asked for; "" where nothing is."""
    return ", ".join(_differences(session, asked))


def _differences(session: Session, asked: MeasurementRequest) -> list[str]:
    found = []
    if asked.images is None and (session.conv is not None or session.positions != asked.positions):
        found.append(input_shown(session))
    if asked.images is not None and session.input_shape != asked.images:
        found.append(input_shown(session))
    if session.dtype != asked.dtype:
        found.append(session.dtype)
    if asked.effort.threads not in (None, session.threads):
        found.append(f"{session.threads} thread{'s' * (session.threads != 1)}")
    return found


def _show(key: str) -> None:
    st.session_state[_SHOWN] = key
