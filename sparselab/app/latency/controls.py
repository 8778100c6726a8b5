"""What is measured: which product of the layer, in which arithmetic, on how many threads, for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.latency.kernel_names import title_of
from sparselab.app.latency.network_input import NetworkInput, ask_side, known_side, positions_of, supposed_sides
from sparselab.app.shell.address_keys import CONVOLUTION, MATRIX, PRODUCTS
from sparselab.app.shell.url_state import linked_segments
from sparselab.app.shell.visit import chosen
from sparselab.benchmarking.opponents import OPPONENTS, USUAL_OPPONENTS
from sparselab.benchmarking.requests import Effort
from sparselab.kernels import KERNELS

_FREE, _NETWORK = "free", "network"

MORE = "More: arithmetic, threads, time"
"""What the pickers stand under that are rarely turned."""


@dataclass(frozen=True, kw_only=True)
class ProductChoice:
    """A product's input and arithmetic, the effort of measuring it, and in words whose input it is."""

    positions: int | None
    images: tuple[int, int, int, int] | None
    stride: int | None
    padding: int | None
    dtype: str
    device: str
    effort: Effort
    input_shown: str

    @property
    def settings(self) -> dict[str, Any]:
        """The fields as a `MeasurementRequest` takes them."""
        return {name: value for name, value in vars(self).items() if name != "input_shown"}

    @property
    def shown(self) -> str:
        """What is measured, in one line."""
        on = f"{self.dtype}, {self.effort.threads} thread{'s' * (self.effort.threads != 1)}"
        return f"{self.input_shown}; {on}, about {self.effort.seconds:.0f} s of rounds"


def choose_product(
    card: dict[str, Any],
    layers: Sequence[dict[str, Any]],
    seed: int,
    *,
    more: DeltaGenerator,
    key: str = "seconds",
    seconds: int = 5,
) -> ProductChoice:
    """Show the pickers of a layer's product; return what was chosen. `card`: the layer as its file's card, `layers`, shows it.

    more: where those of the arithmetic are drawn, which are rarely turned.
    """
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
        as_images = kind == CONVOLUTION
        whose = linked_segments("Input", _input_labels(card, layers, as_images), "input", default=_FREE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        batch = _number("batch", _batch(is_conv))
        side, assumed = ask_side() if card["kernel_shape"] else (1, False)
        network = NetworkInput(batch=batch, side=side, is_assumed=assumed)
        own = own_side(card, layers, side)
        if as_images:
            shape = _convolution(card, batch, own if whose == _NETWORK else None)
            told = f"images of {' x '.join(map(str, shape['images']))}"
        else:
            size = _size(is_conv) if whose == _FREE else 0
            count = batch * size if whose == _FREE else positions_of(card, own, batch)
            shape = {"positions": count, "images": None, "stride": None, "padding": None}
            told = f"{count:,} position{'s' * (count != 1)}"
    if whose == _NETWORK:
        told += f", as in the network with {network.shown if card['kernel_shape'] else f'batch {batch}'}"
    with more:
        dtype, device, effort = choose_arithmetic(seed, key=key, seconds=seconds)
    return ProductChoice(**shape, dtype=dtype, device=device, effort=effort, input_shown=told)


def own_side(card: dict[str, Any], layers: Sequence[dict[str, Any]], side: int) -> int:
    """Return the supposed side of a layer's input in a network that is given `side`."""
    return next(
        own for each, own in zip(layers, supposed_sides(layers, side), strict=True) if each["name"] == card["name"]
    )


def _input_labels(card: dict[str, Any], layers: Sequence[dict[str, Any]], as_images: bool) -> dict[str, str]:
    """Return what the two inputs are called, by what the fields below hold."""
    is_conv = card["kernel_shape"] is not None and len(card["kernel_shape"]) == 2
    batch, own = chosen("batch", _batch(is_conv)), own_side(card, layers, known_side())
    if as_images:
        pixels = f"{chosen('height', 32)} x {chosen('width', 32)} pixels"
        return {_FREE: pixels, _NETWORK: f"as in the network ({own} x {own} pixels)"}
    free, network = batch * chosen("size", _default_size(is_conv)), positions_of(card, own, batch)
    return {_FREE: f"{free:,} positions", _NETWORK: f"as in the network ({network:,} position{'s' * (network != 1)})"}


def _batch(is_conv: bool) -> int:
    return 1 if is_conv else 16


def _default_size(is_conv: bool) -> int:
    return 1024 if is_conv else 16


def _size(is_conv: bool) -> int:
    return _number("size", _default_size(is_conv))


def _convolution(card: dict[str, Any], batch: int, own: int | None) -> dict[str, Any]:
    """Show the fields of a convolution; own: the side of its input where that follows from the network's."""
    kernel_height, kernel_width = card["kernel_shape"]
    height, width = own or 0, own or 0
    if own is None:
        height, width = _number("height"), _number("width")
    stride, padding = _number("stride"), _number("padding", kernel_height // 2)
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
    return _choose(
        "Kernels beside dense", names, names, "_latency_kernels", {name: KERNELS[name].source for name in names}
    )


def choose_opponents() -> tuple[str, ...]:
    """Show the picker of opponents; return those to measure."""
    sources = {name: opponent.source for name, opponent in OPPONENTS.items()}
    return _choose("Opponents beside dense", tuple(OPPONENTS), USUAL_OPPONENTS, "_latency_opponents", sources)


def _choose(
    label: str, names: Sequence[str], usual: Sequence[str], key: str, sources: Mapping[str, str]
) -> tuple[str, ...]:
    told = "  \n".join(f"**{title_of(name)}** ({name}): {source}" for name, source in sources.items())
    return tuple(st.multiselect(label, names, default=list(usual), format_func=title_of, key=key, help=told))


def _number(key: str, default: int | None = None, **look: str) -> int:
    return int(linked_setting(key, default, width=130, **look))
