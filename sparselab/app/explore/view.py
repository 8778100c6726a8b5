"""The pictures of Explore: the mask before and after, in the order chosen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.analysis.picture import ORDERS
from sparselab.app.charts import plain_pictures
from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.inputs.preamble import say_groups
from sparselab.app.mask_view import mask_view
from sparselab.app.shell.presenter import present, presenting
from sparselab.app.shell.url_state import linked_segments
from sparselab.app.shell.visit import choose, chosen, held
from sparselab.core.mask import Mask
from sparselab.display.message import ORDER_LABELS, sides, view_message
from sparselab.formats import read_ticket
from sparselab.workflows.explore import View

_STEPS: Mapping[str, int] = MappingProxyType({"next": 1, "previous": -1})


def choose_order() -> tuple[str, DeltaGenerator]:
    """Show the order toggle and the plain-heatmap switch; return the order, and a place beside them for progress.

    The place is always there, so that the page does not jump when work starts or ends.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="order_row"):
        order = linked_segments(
            "Rows",
            ORDER_LABELS,
            "order",
            default="reordered",
            help="  \n".join(f"**{ORDER_LABELS[name]}**: {text}" for name, text in ORDERS.items()),
        )
        st.toggle(
            "Plain heatmap",
            **held("plain", False),
            help="Both masks as plain images in the same colours, for browsers that cannot draw the picture.",
            width="content",
        )
        place = st.container(width="stretch")
    return order, place


def pictures(request: ExploreRequest, view: View | None, order: str) -> None:
    """Show the mask before, and after as soon as there is one."""
    say_groups(request.source, request.layer)
    before = mask_before(request, view)
    if chosen("plain", False):
        _plain_pictures(before, view, order)
    else:
        # Before there is an answer the picture is of the layer alone, the same whatever is asked of it.
        key = f"layer|{_mask_key(request)}" if view is None else f"picture|{order}|{request.key}"
        key += f"|{presenting()}"
        payload = request.source.memory.remembered(key, lambda: _payload(request, before, view, order))
        mask_view(payload, key="_mask_view", on_asked=partial(_answer, order))


def _answer(order: str, asked: str) -> None:
    """Do what a presenter asked for with a key: another order, or the presenter view itself."""
    if asked in _STEPS:
        names = tuple(ORDERS)
        choose({"order": names[(names.index(order) + _STEPS[asked]) % len(names)]})
    else:
        present(asked == "present")


def mask_before(request: ExploreRequest, view: View | None) -> Mask:
    """Return the layer's mask as it is in the file."""
    if view is not None:
        return view.layout.before
    # A file on disk that was checked before: only its mask is read here, everything heavy is the worker's.
    mask: Mask = request.source.memory.remembered(
        f"mask|{_mask_key(request)}",
        lambda: read_ticket(request.source.path, request.source.options).found(request.layer).mask(),
    )
    return mask


def _mask_key(request: ExploreRequest) -> str:
    return f"{request.source.path}|{request.layer}|{request.source.options}|{request.digest}"


def _plain_pictures(before: Mask, view: View | None, order: str) -> None:
    left, right = sides(before, None if view is None else view.layout, order)
    drawn = plain_pictures(left, right, dark=st.context.theme.type == "dark")
    for side, place, picture in zip(("left", "right"), st.columns(2), drawn, strict=False):
        with place:
            st.caption(picture.title)
            st.plotly_chart(picture.figure, key=f"_plain_{side}")
            st.caption(picture.scale)


def _payload(request: ExploreRequest, before: Mask, view: View | None, order: str) -> bytes:
    layout = None if view is None else view.layout
    return view_message(request.layer, before, layout, order=order, pending="not computed yet", presenter=presenting())
