"""What a room's visitors see of it: the address to hand on, and how busy the server is."""

from __future__ import annotations

import segno
import streamlit as st

from sparselab.app.shell.session import broker
from sparselab.core.inputs.memory import available_memory
from sparselab.runtime.room import room


def show_room() -> None:
    """Show the room's address in the sidebar, as a code to scan too, where this server is for a room."""
    here = room()
    if here is None:
        return
    with st.sidebar.expander("Join this room", icon=":material/groups:"):
        st.image(
            segno.make(here.address, micro=False).svg_data_uri(scale=6, border=2),
            width=220,
            alt="The address as a QR code",
        )
        st.code(here.address, language=None)
        waiting, running, _ = broker().sizes
        st.caption(
            f"{running} at work, {waiting} waiting; {available_memory() / 2**30:.1f} GiB of memory free. "
            "Off in a room: files of the server by path, starting trainings, the list of runs, other visitors' measurements."
        )
