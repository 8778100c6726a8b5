"""Compare: every transform at one budget on one layer."""

from sparselab.ui.nav import guard

guard("compare")

import streamlit as st  # noqa: E402

from sparselab.ui import explore_view as show  # noqa: E402
from sparselab.ui.card_view import show_card  # noqa: E402
from sparselab.ui.compare_view import show_comparison  # noqa: E402
from sparselab.ui.source import choose_source  # noqa: E402

with st.sidebar:
    source = choose_source()
if source is None:
    show.empty_state("Compare")
    st.stop()
with st.sidebar:
    layer = show.choose_layer(source)
    density = show.choose_density(source, layer)
    seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help="of every random choice")

show.headline("Compare", source, layer)
show_card(source)
show_comparison(source, layer, density, int(seed))
