"""Two things that a visitor does at almost the same time: both are done."""

from __future__ import annotations

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.state.session_state import SessionState
from streamlit.testing.v1 import AppTest

from sparselab.app.server import let_callbacks_end


def _page() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    def press() -> None:
        context = get_script_run_ctx()
        assert context is not None
        assert context.script_requests is not None
        context.script_requests.request_rerun(RerunData())  # as the browser's next message does
        st.session_state["presses"] = st.session_state.get("presses", 0) + 1

    st.button("Press", on_click=press)


def test_what_comes_meanwhile_does_not_cut_a_callback_short(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in ((ScriptRunner, "_maybe_handle_execution_control_request"), (SessionState, "_call_callbacks")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back afterwards
    let_callbacks_end()
    app = AppTest.from_function(_page).run()
    for presses in (1, 2):
        app.button[0].click().run()
        assert app.session_state["presses"] == presses
