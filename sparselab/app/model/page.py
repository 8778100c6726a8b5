"""Model: one transform, or the best per layer, over a whole network."""

from __future__ import annotations

import streamlit as st

from sparselab.app.inputs.preamble import require_source, say_groups, show_headline
from sparselab.app.inputs.sidebar import choose_seed
from sparselab.app.model.audit import AuditPart
from sparselab.app.model.view import choose_candidates, show_model


def page() -> None:
    """Draw the page."""
    source = require_source("Model")
    with st.sidebar:
        candidates = choose_candidates()
        seed = choose_seed()
    show_headline("Model", source)
    say_groups(source)
    audit = AuditPart(source)
    show_model(source, candidates, seed)
    audit.follow()
