"""`show`: a mask, or a layout before and after, in a notebook or as a file that opens anywhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from sparselab.analysis.metrics import report
from sparselab.analysis.picture import ORDERS
from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError, SparselabError
from sparselab.core.inputs.layers import as_layer
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.display.document import PICTURE_HEIGHT, layout_document, mask_document

_AROUND_PICTURES = 380
"""CSS pixels of a notebook's frame that are not picture: numbers, tools, legend, what is read out."""


@dataclass(frozen=True)
class HtmlView:
    """A page that shows masks: `html` is all of it. As the last value of a notebook cell it shows itself."""

    html: str
    height: int = PICTURE_HEIGHT

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the page as one file that needs no network; return its path. The file is whole or not there.

        Raises: FileError when there is no such folder, or a file of that name and `overwrite` is not set.
        """
        target = Path(path)
        if not target.parent.is_dir():
            raise FileError(f"expected a folder that exists; got {target.parent}")
        if target.is_dir() or (target.exists() and not overwrite):
            raise FileError(f"expected a path without a file, or overwrite=True; got {target}")
        with atomic_path(target) as temporary:
            temporary.write_bytes(self.html.encode())
        return target

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own: its styles and scripts and the notebook's do not meet."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="mask view" sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {self.height + _AROUND_PICTURES}px; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"HtmlView({len(self.html):,} characters; .save(path) writes a file)"


def show(what: Any, *, name: str = "", order: str = "reordered", height: int = PICTURE_HEIGHT) -> HtmlView:
    """Return the linked mask view of `what`: zoom, hover, legend and numbers, in a notebook or as a file.

    Args:
        what: an array or tensor out x n or out x in x kh x kw (boolean: its mask; else what is not zero is kept), a Mask or a
            Layer: one picture. A Layout: the mask before and after. A pair (layer, layout): the same with the numbers that
            need the layer's weights; the layer may be anything above that is one picture.
        name: the title; a layer's own name unless given.
        order: of the picture after: natural, before (the mask before, in the new order), reordered (by group)
            or packed (as a kernel reads).
        height: of each picture, in CSS pixels.
    Raises: SparselabError for anything else, an unknown order, or a layout that was made of another mask.
    Example: >>> show(np.eye(4), name="identity").html.startswith("<!doctype html>")
             True
    """
    if order not in ORDERS:
        raise SparselabError(f"expected an order of {', '.join(ORDERS)}; got {order!r}")
    if isinstance(what, Layout):
        what = Layer("layout", what.before), what
    if not (isinstance(what, tuple) and len(what) == 2 and isinstance(what[1], Layout)):
        layer = as_layer(what, "mask")
        return HtmlView(mask_document(name or layer.name, layer.mask, height=height), height)
    layer, layout = as_layer(what[0], "mask"), what[1]
    if layer.mask != layout.before:
        raise SparselabError(f"expected a layout of {layer.mask}; got one of {layout.before}")
    numbers = report(layout, layer).as_json()
    return HtmlView(layout_document(name or layer.name, layout, numbers, order=order, height=height), height)
