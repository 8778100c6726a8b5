"""What is measured: which product of the layer, in which arithmetic, on how many threads, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.latency.kernel_names import title_of
from sparselab.app.shell.address import CONVOLUTION, MATRIX, PRODUCTS
from sparselab.app.shell.url_state import linked_segments
from sparselab.benchmarking.requests import Effort
from sparselab.kernels import KERNELS


@dataclass(frozen=True, kw_only=True)
class ProductChoice:
    """A product's input and arithmetic, and the effort of measuring it."""

    positions: int | None
    images: tuple[int, int, int, int] | None
    stride: int | None
    padding: int | None
    dtype: str
    device: str
    effort: Effort

    @property
    def settings(self) -> dict[str, Any]:
        """The fields as a `MeasurementRequest` takes them."""
        return dict(vars(self))


def choose_product(card: dict[str, Any], seed: int, *, key: str = "seconds", seconds: int = 5) -> ProductChoice:
    """Show the pickers of a layer's product; return what was chosen. `card`: the layer as its file's card shows it."""
    is_conv = card["kernel_shape"] is not None and len(card["kernel_shape"]) == 2
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = MATRIX
        if is_conv:
            kind = linked_segments(
                "Product",
                {name: name for name in PRODUCTS},
                "product",
                default=MATRIX,
                help="**Matrix product**: W X, with a column of X for each position; dense is `torch.mm`.  \n"
                "**Convolution**: the layer as it runs in a network; dense is `conv2d`.",
            )
        batch = _number("batch", 1 if is_conv else 16)
        if kind == CONVOLUTION:
            shape = _convolution(card, batch)
        else:
            size = _number("size", 1024 if is_conv else 16)
            shape = {"positions": batch * size, "images": None, "stride": None, "padding": None}
    dtype, device, effort = choose_arithmetic(seed, key=key, seconds=seconds)
    return ProductChoice(**shape, dtype=dtype, device=device, effort=effort)


def _convolution(card: dict[str, Any], batch: int) -> dict[str, Any]:
    kernel_height, kernel_width = card["kernel_shape"]
    height, width, stride = _number("height"), _number("width"), _number("stride")
    padding = _number("padding", kernel_height // 2)
    channels = card["shape"][1] // (kernel_height * kernel_width)
    images = batch, channels, height, width
    return {"positions": None, "images": images, "stride": stride, "padding": padding}


def choose_arithmetic(
    seed: int, *, key: str = "seconds", seconds: int = 5, what: str = "approximate time for the rounds"
) -> tuple[str, str, Effort]:
    """Show the pickers of dtype, device, threads and seconds; return dtype, device and the effort."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        dtype = linked_setting("dtype", width=140)
        device = linked_setting("device", width=110)
        threads = _number("threads")
        limit = _number(key, seconds, help=f"{what}; more seconds give narrower intervals")
    return dtype, device, Effort(seconds=float(limit), threads=threads, seed=seed)


def choose_kernels(names: Sequence[str]) -> tuple[str, ...]:
    """Show the kernel picker; return the kernels to measure. The dense product is always there."""
    return tuple(
        st.multiselect(
            "Kernels beside dense",
            names,
            default=list(names),
            format_func=title_of,
            key="_latency_kernels",
            help="  \n".join(f"**{title_of(name)}** ({name}): {KERNELS[name].source}" for name in names),
        )
    )


def _number(key: str, default: int | None = None, **look: str) -> int:
    return int(linked_setting(key, default, width=130, **look))
