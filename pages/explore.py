"""Explore: one layer's mask before and after, and every knob between them."""

from sparselab.ui.nav import guard

guard("explore")

import streamlit as st  # noqa: E402

from sparselab.explore import View  # noqa: E402
from sparselab.isolate import Task  # noqa: E402
from sparselab.transforms import TRANSFORMS  # noqa: E402
from sparselab.ui import explore_view as show  # noqa: E402
from sparselab.ui.card_view import show_card  # noqa: E402
from sparselab.ui.knobs import knobs, reset  # noqa: E402
from sparselab.ui.source import choose_source  # noqa: E402
from sparselab.ui.work import Request, view_of, watch  # noqa: E402

with st.sidebar:
    source = choose_source()
if source is None:
    show.empty_state("Explore")
    st.stop()
with st.sidebar:
    layer = show.choose_layer(source)
    name = show.choose_transform()
    starts = {"refine": show.refines_quickly(source, layer)}
    settings = knobs(TRANSFORMS[name], **starts)
    seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help="of every random choice")
    st.button(
        "Reset knobs",
        on_click=reset,
        args=(TRANSFORMS[name],),
        kwargs={"seed": 0, **starts},
        icon=":material/restart_alt:",
    )

show.headline("Explore", source, layer)
show_card(source)
request = Request(source, layer, name, settings, int(seed))
order, place = show.choose_order()
answer = view_of(request, place)
view = answer if isinstance(answer, View) else None
show.pictures(request, view, order)
if view is not None:
    show.details(view, request)
elif isinstance(answer, Task):
    watch(answer, place)
