"""What is measured: which product of the layer, in which arithmetic, on how many threads, for how long."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from sparselab.app.inputs.knobs import follow_default
from sparselab.app.latency.kernel_names import title_of
from sparselab.benchmarking.requests import Effort
from sparselab.kernels import KERNELS
from sparselab.kernels.base import DTYPES

_MATRIX, _CONVOLUTION = "Matrix product", "Convolution"


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
        kind = _MATRIX
        if is_conv:
            kind = st.segmented_control(
                "Product",
                (_MATRIX, _CONVOLUTION),
                default=_MATRIX,
                key="product",
                bind="query-params",
                required=True,
                width="content",
                help="**Matrix product**: W X, with a column of X for each position; dense is `torch.mm`.  \n"
                "**Convolution**: the layer as it runs in a network; dense is `conv2d`.",
            )
        batch = _number("Batch", "batch", 1, 4096, 1 if is_conv else 16, "images or sequences in one run")
        if kind == _CONVOLUTION:
            shape = _convolution(card, batch)
        else:
            size = _number(
                "Positions each",
                "size",
                1,
                1_000_000,
                1024 if is_conv else 16,
                "output pixels or tokens per image or sequence",
            )
            shape = {"positions": batch * size, "images": None, "stride": None, "padding": None}
    dtype, device, effort = choose_arithmetic(seed, key=key, seconds=seconds)
    return ProductChoice(**shape, dtype=dtype, device=device, effort=effort)


def _convolution(card: dict[str, Any], batch: int) -> dict[str, Any]:
    kernel_height, kernel_width = card["kernel_shape"]
    height = _number("Height", "height", 1, 4096, 32, "height of the input, in pixels")
    width = _number("Width", "width", 1, 4096, 32, "width of the input, in pixels")
    stride = _number("Stride", "stride", 1, 16, 1, "stride of the convolution; few files hold it")
    padding = _number("Padding", "padding", 0, 64, kernel_height // 2, "zero padding on every side; few files hold it")
    channels = card["shape"][1] // (kernel_height * kernel_width)
    images = batch, channels, height, width
    return {"positions": None, "images": images, "stride": stride, "padding": padding}


def choose_arithmetic(
    seed: int, *, key: str = "seconds", seconds: int = 5, what: str = "approximate time for the rounds"
) -> tuple[str, str, Effort]:
    """Show the pickers of dtype, device, threads and seconds; return dtype, device and the effort."""
    cores = os.cpu_count() or 1
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        dtype = st.selectbox("Arithmetic", DTYPES, key="dtype", bind="query-params", width=140)
        device = st.selectbox("Device", ("auto", "cpu", "cuda"), key="device", bind="query-params", width=110)
        threads = _number("Threads", "threads", 1, max(cores, 1), cores, f"CPU threads; this machine has {cores}")
        limit = _number("Seconds", key, 1, 600, seconds, f"{what}; more seconds give narrower intervals")
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


def _number(label: str, key: str, low: int, high: int, value: int, help: str) -> int:
    follow_default(key, value)
    return int(st.number_input(label, low, high, value, key=key, bind="query-params", help=help, width=130))
