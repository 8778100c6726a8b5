"""Latency: how long the kernels take on this machine, dense beside them."""

from sparselab.ui.nav import guard

guard("latency")

import streamlit as st  # noqa: E402

from sparselab.transforms import TRANSFORMS  # noqa: E402
from sparselab.ui import explore_view as show  # noqa: E402
from sparselab.ui.card_view import show_card  # noqa: E402
from sparselab.ui.knobs import knobs  # noqa: E402
from sparselab.ui.latency_layer import show_layer  # noqa: E402
from sparselab.ui.latency_map import show_map  # noqa: E402
from sparselab.ui.latency_model import show_whole_model  # noqa: E402
from sparselab.ui.latency_stored import show_stored  # noqa: E402
from sparselab.ui.source import choose_source  # noqa: E402
from sparselab.ui.work import Request  # noqa: E402

with st.sidebar:
    source = choose_source()
if source is None:
    show.empty_state("Latency")
    st.stop()
with st.sidebar:
    layer = show.choose_layer(source)
    name = show.choose_transform()
    settings = knobs(TRANSFORMS[name], refine=show.refines_quickly(source, layer))
    seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help="of every random choice")

show.headline("Latency", source, layer)
show_card(source)
card = next(item for item in source.card["layers"] if item["name"] == layer)
layer_tab, model_tab, map_tab, stored_tab = st.tabs(
    ["This layer", "Whole model", "Break-even map", "Stored results"],
    key="latency_tab",
    bind="query-params",
    on_change="rerun",
)
if layer_tab.open:
    with layer_tab:
        show_layer(Request(source, layer, name, settings, int(seed)))
if model_tab.open:
    with model_tab:
        show_whole_model(source, name, settings, int(seed))
if map_tab.open:
    with map_tab:
        show_map(card, int(seed))
if stored_tab.open:
    with stored_tab:
        show_stored()
