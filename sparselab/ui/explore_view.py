"""The parts of the Explore page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab import wire
from sparselab.explore import View
from sparselab.formats import read_ticket
from sparselab.kernel_eye import tile_view
from sparselab.mask import Mask
from sparselab.picture import ORDERS, picture_after, picture_before
from sparselab.transforms import TRANSFORMS
from sparselab.ui.charts import block_density_figure, plain_figure, similarity_figure, tiles_figure
from sparselab.ui.knobs import new_transform
from sparselab.ui.linked import linked_select
from sparselab.ui.mask_view import mask_view
from sparselab.ui.numbers import show_all_numbers, show_numbers, show_status
from sparselab.ui.session import session
from sparselab.ui.source import Source
from sparselab.ui.takeaway import show_takeaway
from sparselab.ui.work import Request

_QUICK_REFINE = 300_000  # weights; measured on two cores: 256 x 1152 takes 0.7 s, 256 x 2304 takes 1.3 s


def empty_state(title: str) -> None:
    """Say what to do while there is no file."""
    st.subheader(title, anchor=False)
    st.markdown(
        "Choose a **sample**, upload a **pruned checkpoint**, or give a **local path** on the left. "
        "You will see its layers before and after they are given a structure."
    )


def choose_layer(source: Source) -> str:
    """Show the layer picker, the largest layer first chosen; return its name."""
    layers = {layer["name"]: layer for layer in source.card["layers"]}
    names = list(layers)
    sizes = [layer["shape"][0] * layer["shape"][1] for layer in layers.values()]

    def label(name: str) -> str:
        rows, cols = layers[name]["shape"]
        return f"{name} · {rows} x {cols} · {100 * layers[name]['density']:.1f} %"

    return linked_select("Layer", names, "layer", default=names[sizes.index(max(sizes))], label_of=label)


def choose_transform() -> str:
    """Show the transform picker, Regroup first chosen; return the transform's name."""
    names = list(TRANSFORMS)
    name: str = st.selectbox(
        "Transform",
        names,
        index=names.index("regroup"),
        key="transform",
        bind="query-params",
        on_change=new_transform,
        help="  \n".join(f"**{name}**: {kind.title}. {kind.source}" for name, kind in TRANSFORMS.items()),
    )
    return name


def choose_density(source: Source, layer: str) -> float:
    """Show the budget: as many weights as are kept, or a share of all."""
    kept: float = next(item["density"] for item in source.card["layers"] if item["name"] == layer)
    spend = st.number_input(
        "Budget, % of the weights",
        min_value=0.1,
        max_value=100.0,
        value=None,
        step=1.0,
        key="budget",
        bind="query-params",
        placeholder=f"{100 * kept:.2f}: as many as are kept",
        help="Every contender at one budget spends this many weights.",
    )
    return kept if spend is None else spend / 100


def refines_quickly(source: Source, layer: str) -> bool:
    """Return whether refinement at its default steps takes under a second on this layer, so that it may start switched on."""
    rows, cols = next(item["shape"] for item in source.card["layers"] if item["name"] == layer)
    return bool(rows * cols <= _QUICK_REFINE)


def headline(title: str, source: Source, layer: str) -> None:
    """Show the page's title, and which layer is looked at."""
    found = next(item for item in source.card["layers"] if item["name"] == layer)
    rows, cols = found["shape"]
    st.subheader(title, anchor=False)
    # st.text, because names come from strangers' files and must not be read as Markdown.
    st.text(f"{layer} of {source.title}: {rows:,} x {cols:,}, {found['count']:,} kept ({100 * found['density']:.2f} %)")


def choose_order() -> tuple[str, DeltaGenerator]:
    """Show the order toggle and the plain-heatmap switch; return the order, and a place beside them for progress.

    The place is always there, so that the page does not jump when work starts or ends.
    """
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        order = st.segmented_control(
            "Order of the right picture",
            list(ORDERS),
            default="reordered",
            key="order",
            bind="query-params",
            help="  \n".join(f"**{name}**: {text}" for name, text in ORDERS.items()),
            required=True,
            width="content",
        )
        st.toggle(
            "Plain heatmap",
            key="plain",
            bind="query-params",
            help="Pooled Plotly figures, for browsers without a canvas.",
            width="content",
        )
    return order or "reordered", right


def pictures(request: Request, view: View | None, order: str) -> None:
    """Show the deciding numbers, the mask before, and after as soon as there is one."""
    if view is not None:
        show_status(view)
    show_numbers(view)
    before = _mask_before(request, view)
    if st.session_state.get("plain"):
        st.plotly_chart(plain_figure(before, _ordered(view, order)), key="_plain_figure")
    else:
        key = f"{request.key}|{order}|{view is None}"
        mask_view(session().remembered(key, lambda: _payload(request, before, view, order)), key="_mask_view")


def details(view: View, request: Request) -> None:
    """Show the charts, the checks, all numbers and the downloads: only the open tab is made, the others cost nothing."""
    broken = [law for law in view.invariants if not law.holds]
    if broken:
        st.error(f"A law is broken: {broken[0].name} ({broken[0].figure}). Please report it.", icon=":material/error:")
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params", on_change="rerun")
    for tab, show in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab:
                show(view, request)


def _blocks(view: View) -> str:
    count = len(view.layout.blocks)
    return f"{count} block{'s' * (count != 1)}"


def _similarity(view: View, _request: Request) -> None:
    st.caption("How alike the rows are. Grouping worked where bright squares gather along the diagonal on the right.")
    st.plotly_chart(similarity_figure(view), key="_similarity")


def _block_density(view: View, _request: Request) -> None:
    if not view.layout.blocks:
        st.info("No blocks, so nothing to count.")
        return
    st.caption(
        "How much of each block was kept before it was filled: the further right, the less is paid for structure."
    )
    st.plotly_chart(block_density_figure(view), key="_block_density")


def _mask_before(request: Request, view: View | None) -> Mask:
    if view is not None:
        return view.layout.before
    # A file on disk that was checked before: only its mask is read here, everything heavy is the worker's.
    key = f"mask|{request.source.path}|{request.layer}|{request.source.options}"
    mask: Mask = session().remembered(
        key, lambda: read_ticket(request.source.path, request.source.options)[request.layer].mask
    )
    return mask


def _ordered(view: View | None, order: str) -> Mask | None:
    if view is None:
        return None
    layout = view.layout
    return layout.after if order == "natural" else layout.after.permuted(layout.row_order.order, layout.col_order.order)


def _payload(request: Request, before: Mask, view: View | None, order: str) -> bytes:
    right = None
    if view is not None:
        after = view.layout.after
        caption = f"{order}: density {100 * after.density:.2f} %, {after.count:,} kept, {_blocks(view)}"
        right = picture_after(view.layout, order, caption)
    return wire.dump(
        {
            "title": request.layer,
            "rows": before.rows,
            "cols": before.cols,
            "left": picture_before(before, f"density {100 * before.density:.2f} %, {before.count:,} kept"),
            "right": right,
            "note": "" if view is not None else "not computed yet",
            "digest": f"{before.digest}|{json.dumps(order)}|{view.layout.after.digest if view else ''}",
        }
    )


def _kernel(view: View, _request: Request) -> None:
    """Show the tiles a kernel computes, how full each is, and what is computed for nothing."""
    tile = st.select_slider(
        "Tile", [4, 8, 16, 32, 64], value=16, key="tile", bind="query-params", help="side of the kernel's square tile"
    )
    seen = tile_view(view.layout, tile)
    st.caption(
        "Blocks cut into tiles, block under block, columns packed: each cell is one tile, as full as it was before. "
        "A kernel computes every tile whole."
    )
    with st.container(horizontal=True, gap="medium"):
        st.metric("Tiles computed", f"{seen.tiles:,}", width="content")
        st.metric(
            "Zeros computed",
            f"{100 * seen.zeros_computed:.1f} %",
            width="content",
            help="products whose weight was zero before",
        )
        st.metric(
            "Padding waste", f"{100 * seen.padding_waste:.2f} %", width="content", help="products outside any block"
        )
    if seen.tiles:
        st.plotly_chart(tiles_figure(seen, tile), key="_tiles")


def _checks(view: View, _request: Request) -> None:
    st.caption("Laws that must hold of every layout, checked on this one.")
    for law in view.invariants:
        mark = ":green[:material/check_circle: holds]" if law.holds else ":red[:material/error: broken]"
        st.markdown(f"{mark} {law.name}: `{law.figure}`")


def _numbers(view: View, _request: Request) -> None:
    show_all_numbers(view)


_TABS: Mapping[str, Callable[[View, Request], None]] = MappingProxyType(
    {
        "Similarity": _similarity,
        "Block density": _block_density,
        "Kernel's eye": _kernel,
        "Checks": _checks,
        "All numbers": _numbers,
        "Take away": show_takeaway,
    }
)
