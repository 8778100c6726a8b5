"""What the mask view is sent: one layer before and after as one message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sparselab.analysis.picture import picture_after, picture_before
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.runtime import messages

ORDER_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "natural": "as in the file",
        "before": "before, in the new order",
        "reordered": "by group",
        "packed": "as the kernel reads",
    }
)
"""What the orders of the right picture are called where people read them; addresses and arguments have their plain names."""


def view_message(
    title: str,
    before: Mask,
    layout: Layout | None = None,
    *,
    order: str = "reordered",
    pending: str = "",
    presenter: bool = False,
) -> bytes:
    """Return the message of `runtime.messages` that the view shows.

    Args:
        title: the layer's name, shown as it is.
        layout: what became of `before`; with None only `before` is shown.
        order: of the right picture's rows and columns, one of `analysis.picture.ORDERS`.
        pending: what stands on the right while there is no layout yet.
        presenter: whether the pictures fill the screen, for a projector; see `mask_view/window/presenter.js` for its keys.
    """
    left, right = sides(before, layout, order)
    if right is None and not pending:
        left["label"] = "mask"
    return messages.dump(
        {
            "title": title,
            "rows": before.rows,
            "cols": before.cols,
            "left": left,
            "right": right,
            "note": pending if layout is None else "",
            "presenter": presenter,
            "digest": f"{before.digest}|{json.dumps(order)}|{layout.after.digest if layout else ''}",
        }
    )


def sides(before: Mask, layout: Layout | None, order: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the left and the right picture of `analysis.picture` with their captions; no right one without a layout."""
    left = picture_before(before, _caption(before))
    if layout is None:
        return left, None
    blocks = f"{len(layout.blocks)} block{'s' * (len(layout.blocks) != 1)}"
    said = _caption(before) if order == "before" else f"{_caption(layout.after)}, {blocks}"
    return left, picture_after(layout, order, f"{ORDER_LABELS[order]}: {said}")


def _caption(mask: Mask) -> str:
    return f"density {100 * mask.density:.2f} %, {mask.count:,} kept"
