"""The icon in the browser's tab: drawn here, because Streamlit fetches any other from outside."""

from __future__ import annotations

import numpy as np

from sparselab.app.shell.embedded import embedded

_BLUE, _PAPER = (0, 114, 178), (255, 255, 255)


def icon() -> str:
    """Return blocks down a diagonal, 32 x 32."""
    blocks = np.kron(np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]), np.ones((8, 8))).astype(bool)
    return embedded(np.where(blocks[..., None], _BLUE, _PAPER).astype(np.uint8))
