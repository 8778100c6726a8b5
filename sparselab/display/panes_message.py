"""What the panes are sent: what several transforms made of one layer, every weight at the same place in each picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sparselab.analysis.picture import picture_in_place
from sparselab.core.mask import Mask
from sparselab.runtime import messages

MOST_PANES = 3


@dataclass(frozen=True, eq=False)
class Pane:
    """What one transform made of a layer: its title, a line on it, and the mask."""

    title: str
    caption: str
    after: Mask


def panes_message(layer: str, before: Mask, panes: Sequence[Pane]) -> bytes:
    """Return the message of `runtime.messages` that the panes show. layer: its name, shown as it is."""
    sides = [picture_in_place(before, pane.after, pane.title, pane.caption) for pane in panes]
    return messages.dump({"title": layer, "rows": before.rows, "cols": before.cols, "panes": sides})
