"""What `show` makes: the very bits of the masks in displayed order, the numbers, and a file that is whole or absent."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparselab.analysis.metrics import labels, report
from sparselab.analysis.picture import ORDERS
from sparselab.core.errors import FileError, SparselabError
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.display import show
from sparselab.transforms import Regroup
from tests.display.pages import ParsedPage, embedded

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 3_000_000
"""Bytes that the page of a 512 x 4608 layer may have."""


def random_layer(rows: int, cols: int, density: float = 0.1, seed: int = 0) -> Layer:
    rng = np.random.default_rng(seed)
    kept = rng.random((rows, cols)) < density
    return Layer("fc.weight", Mask(kept), weight=(rng.standard_normal((rows, cols)) * kept).astype(np.float32))


def regrouped(layer: Layer) -> Layout:
    return Regroup()(layer, rng=np.random.default_rng(0))


def bits(side: dict[str, Any], which: str) -> Mask:
    return Mask.from_packed(side[which], (side["height"], side["width"]))


@given(st.integers(1, 40), st.integers(1, 70), st.floats(0, 1), st.integers(0, 99))
def test_a_mask_is_shown_bit_by_bit(rows: int, cols: int, density: float, seed: int) -> None:
    mask = random_layer(rows, cols, density, seed).mask
    seen = embedded(show(mask).html)
    assert seen["right"] is None
    assert bits(seen["left"], "before") == mask
    assert seen["left"]["label"] == "mask"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(3))
def test_a_layout_is_shown_bit_by_bit_in_displayed_order(order: str, seed: int) -> None:
    layer = random_layer(48, 77, 0.2, seed)
    layout = regrouped(layer)
    assert layout.blocks
    seen = embedded(show((layer, layout), order=order).html)
    assert bits(seen["left"], "before") == layout.before
    right = seen["right"]
    for which, mask in (("before", layout.before), ("after", layout.after)):
        if right[which] is None:
            assert (order, which) == ("before", "after")
            continue
        shown = bits(right, which).kept
        for band in right["bands"]:
            rows, cols = right["row_index"][band["start"] : band["stop"]], band["cols"]
            there = shown[band["start"] : band["stop"]]
            assert np.array_equal(there[:, : len(cols)], mask.kept[np.ix_(rows, cols)])
            assert not there[:, len(cols) :].any()
    rows, cols = layout.row_order.order, layout.col_order.order
    if order == "reordered":
        assert bits(right, "after") == layout.after.permuted(rows, cols)
        assert bits(right, "before") == layout.before.permuted(rows, cols)
    if order == "natural":
        assert bits(right, "after") == layout.after


def test_every_number_of_the_report_stands_beside_the_pictures() -> None:
    layer = random_layer(48, 77, 0.2)
    layout = regrouped(layer)
    cells = ParsedPage(show((layer, layout)).html).texts
    names = set(cells["th"])
    assert {label for name, label in labels().items() if name != "seconds"} <= names
    assert {f"Seconds: {stage}" for stage in layout.seconds} | set(layout.notes) <= names
    energy = report(layout, layer).energy
    assert energy is not None
    assert f"{100 * energy:.1f} %" in cells["dd"]
    assert f"{100 * energy:.1f} %" not in ParsedPage(show(layout).html).texts["dd"]  # no weights, no energy


@pytest.mark.parametrize("status", ["unblocked", "masked", "dense"])
def test_a_layout_without_blocks_says_why(status: str) -> None:
    mask = random_layer(8, 8).mask
    full = Mask(np.ones((8, 8), dtype=bool))
    layout = {
        "unblocked": Layout.unchanged(mask, "no two rows are alike"),
        "masked": Layout.masked(mask, mask, reason="weights were chosen one by one"),
        "dense": Layout.masked(mask, full, reason=""),
    }[status]
    assert layout.status == status
    said = ParsedPage(show(layout).html).texts["p"]
    assert any(text.endswith(f": {layout.reason}.") for text in said)


def test_all_that_can_be_one_picture_is_the_same_picture() -> None:
    layer = random_layer(6, 18)
    assert layer.weight is not None
    tensor = torch.from_numpy(layer.weight.copy())
    conv = tensor.reshape(6, 2, 3, 3)
    different = (
        *(layer, layer.mask, layer.mask.kept, layer.weight, layer.mask.kept.tolist()),
        *(tensor, tensor.bool(), tensor.bfloat16(), conv, torch.nn.Parameter(conv)),
    )
    for what in different:
        seen = embedded(show(what, name="a").html)
        assert bits(seen["left"], "before") == layer.mask
        assert seen["title"] == "a"
    layout = regrouped(layer)
    assert show((layer, layout), name="a") == show((layer.weight, layout), name="a")
    assert embedded(show(layer).html)["title"] == layer.name


@pytest.mark.parametrize(
    "what",
    [
        None,
        "a text",
        3,
        [[1, 0]],
        np.eye(3, dtype=np.int64),
        np.array(["a"]),
        np.zeros(3),
        np.zeros((0, 4)),
        np.array([[None]]),
        (1, 2),
        pytest.param(object(), id="object()"),
    ],
    ids=repr,
)
def test_anything_else_is_refused_in_a_sentence(what: object) -> None:
    with pytest.raises(SparselabError, match=r"^expected .*; got"):
        show(what)


def test_a_layout_of_another_mask_and_an_unknown_order_are_refused() -> None:
    layer, other = random_layer(8, 8), random_layer(8, 8, seed=1)
    with pytest.raises(SparselabError, match="expected a layout of"):
        show((layer, Layout.unchanged(other.mask, "")))
    with pytest.raises(SparselabError, match="expected an order of natural, before, reordered, packed; got 'x'"):
        show(layer, order="x")


def random_layout() -> Layout:
    before = random_layer(512, 4608).mask
    return Layout.masked(before, random_layer(512, 4608, seed=1).mask, reason="at random")


def small_blocks() -> Layout:
    """As many outlines as there can be: blocks of one weight, scattered."""
    before = random_layer(512, 4608).mask
    places = np.argwhere(before.kept)[:40_000]
    return Layout.from_blocks(before, [Block(np.array([row]), np.array([col])) for row, col in places], reason="")


@pytest.mark.parametrize("make", [lambda: regrouped(random_layer(512, 4608)), random_layout, small_blocks])
def test_the_page_of_a_large_layer_stays_small(make: Any) -> None:
    for order in ORDERS:
        assert len(show(make(), order=order).html.encode()) <= LARGEST


def test_the_same_view_is_the_same_page() -> None:
    layer = random_layer(16, 24)
    layout = replace(regrouped(layer), seconds={})
    assert show((layer, layout)).html == show((layer, layout)).html


def test_a_notebook_shows_the_page_in_a_frame_that_reaches_nothing_outside() -> None:
    view = show(random_layer(8, 8), name='"quotes" & <tags>')
    frame = view._repr_html_()
    (tag, attributes), *rest = ParsedPage(frame).tags
    assert (tag, rest) == ("iframe", [])
    assert attributes["srcdoc"] == view.html
    assert unescape(re.findall(r'srcdoc="([^"]*)"', frame)[0]) == view.html
    assert "allow-same-origin" not in (attributes["sandbox"] or "")


def test_a_file_is_written_whole_and_never_over_another_unless_told(tmp_path: Path) -> None:
    view, other = show(np.eye(3)), show(np.eye(4))
    path = tmp_path / "mask.html"
    assert view.save(path) == path
    assert path.read_bytes() == view.html.encode()
    with pytest.raises(FileError, match="overwrite=True"):
        other.save(str(path))
    assert path.read_bytes() == view.html.encode()
    other.save(path, overwrite=True)
    assert path.read_bytes() == other.html.encode()
    with pytest.raises(FileError, match="expected a folder"):
        view.save(tmp_path / "none" / "mask.html")
    with pytest.raises(FileError, match="expected a path"):
        view.save(tmp_path, overwrite=True)
    assert list(tmp_path.iterdir()) == [path]


def test_the_room_needs_neither_streamlit_nor_torch() -> None:
    code = (
        "import sys\n"
        "sys.modules['streamlit'] = sys.modules['plotly'] = sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from sparselab.display import show\n"
        "assert show(np.eye(3)).html"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
