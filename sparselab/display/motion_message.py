"""What the animation of a reordering is sent: the mask before, the mask after, and both orders."""

from __future__ import annotations

import numpy as np

from sparselab.analysis.picture import picture_after
from sparselab.core.layout import Layout
from sparselab.core.permutation import Permutation
from sparselab.runtime import messages


def motion_message(title: str, layout: Layout) -> bytes:
    """Return the message of `runtime.messages` that the animation plays: the parts it needs of a view's message.

    before: packed bits in the order of the file; after: packed bits in the new order; and the two orders, with the rows at
    which groups start. A view's message in the order "reordered" holds the same and more, and can be played too.
    """
    side = picture_after(layout, "reordered", "")
    return messages.dump(
        {
            "title": title,
            "rows": layout.before.rows,
            "cols": layout.before.cols,
            "left": {"before": layout.before.packed},
            "right": {name: side[name] for name in ("after", "row_index", "bands", "groups")},
        }
    )


def why_still(layout: Layout) -> str:
    """Return why there is no reordering to watch, as a sentence; "" where there is one.

    Example: >>> from sparselab import Layout, Mask
             >>> why_still(Layout.unchanged(Mask(np.eye(4, dtype=bool)), "no two rows are alike"))
             'Nothing travels: no structure was found, and the mask is unchanged (no two rows are alike).'
    """
    because = f" ({layout.reason.rstrip('.')})" if layout.reason else ""
    if layout.status == "unblocked":
        return f"Nothing travels: no structure was found, and the mask is unchanged{because}."
    if layout.status == "masked":
        return f"Nothing travels: weights were chosen, but not in blocks, so that no order of rows is better{because}."
    if layout.status == "dense":
        return "Nothing travels: every weight is kept, so that all orders look the same."
    if _is_natural(layout.row_order) and _is_natural(layout.col_order):
        return "Nothing travels: the blocks lie in the order of the file already."
    return ""


def _is_natural(order: Permutation) -> bool:
    return bool(np.array_equal(order.order, np.arange(len(order))))
