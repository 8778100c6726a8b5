"""Model: one transform, or the best per layer, over a whole network."""

from sparselab.ui.nav import guard

guard("model")

import streamlit as st  # noqa: E402

from sparselab.ui import explore_view as show  # noqa: E402
from sparselab.ui.card_view import show_card  # noqa: E402
from sparselab.ui.model_view import choose_candidates, show_model  # noqa: E402
from sparselab.ui.source import choose_source  # noqa: E402

with st.sidebar:
    source = choose_source()
if source is None:
    show.empty_state("Model")
    st.stop()
with st.sidebar:
    candidates = choose_candidates()
    seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help="of every random choice")

st.subheader("Model", anchor=False)
st.text(f"{source.title}: {len(source.card['layers'])} layers")
show_card(source)
show_model(source, candidates, int(seed))
