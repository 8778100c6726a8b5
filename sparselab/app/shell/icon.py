"""Pictures that come with the page itself, as the icon in the browser's tab does.

Streamlit fetches any other icon from outside; and a picture that it serves under an address of its own is gone when a later run of the
page ends: a browser that is slower asks for it in vain.
"""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BLUE, _PAPER = (0, 114, 178), (255, 255, 255)


def embedded(pixels: NDArray[np.uint8]) -> str:
    """Return the `data:` address of a picture as PNG: gray levels (rows, columns), or RGB (rows, columns, 3).

    Example: >>> embedded(np.zeros((2, 2), np.uint8))[:22]
             'data:image/png;base64,'
    """
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"


def icon() -> str:
    """Return blocks down a diagonal, 32 x 32."""
    blocks = np.kron(np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]), np.ones((8, 8))).astype(bool)
    return embedded(np.where(blocks[..., None], _BLUE, _PAPER).astype(np.uint8))
