"""How to read a file that holds matrices without the shapes of their kernels."""

from __future__ import annotations

import streamlit as st

from sparselab.core.errors import FileError
from sparselab.core.im2col import COLUMN_ORDERS
from sparselab.formats import ReadOptions


def choose_read_options() -> ReadOptions:
    """Show what a file without shapes does not say; return it. Raises: FileError for a kernel shape that is none."""
    with st.expander("Column order (2-D files)"):
        order = st.selectbox(
            "Column order",
            COLUMN_ORDERS,
            key="column_order",
            bind="query-params",
            help="The order in which a convolution's columns run over input channels and kernel, slowest first. PyTorch: cin-kh-kw; DLMC: kh-kw-cin.",
        )
        kernel = st.text_input("Kernel shape", key="kernel_shape", bind="query-params", placeholder="such as 3,3")
    try:
        shape = tuple(int(part) for part in kernel.split(",")) if kernel else None
    except ValueError:
        raise FileError(f"kernel shape: expected numbers such as 3,3; got {kernel!r}") from None
    return ReadOptions(column_order=order, kernel_shape=shape)
