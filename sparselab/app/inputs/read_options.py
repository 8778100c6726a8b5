"""How a file is read, where the file itself does not say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import streamlit as st

from sparselab.app.shell.visit import held
from sparselab.core.errors import FileError
from sparselab.core.im2col import COLUMN_ORDERS
from sparselab.formats import ReadOptions

LABELS: Mapping[str, str] = MappingProxyType({
    "--read-all": "Read what was left alone",
    "--axes": "Order of axes",
    "--conv-groups": "Groups",
    "--threshold": "Threshold",
    "--column-order": "Column order",
    "--kernel-shape": "Kernel shape",
    "--mask": "Masks in a second file",
})  # fmt: skip
"""What the page calls the options of the command line, which the notes and errors of a file name."""

_FLAGS = re.compile(rf"(?<![\w-])({'|'.join(LABELS)})(?![\w-])")


def in_words_of_the_page(text: str) -> str:
    """Return a note or an error of a file with the labels that stand on the page in place of options.

    Example: >>> in_words_of_the_page("read as IO; --axes says otherwise")
             'read as IO; “Order of axes” says otherwise'
    """
    return _FLAGS.sub(lambda found: f"“{LABELS[found[0]]}”", text)


def choose_read_options(choose_masks: Callable[[], Path | None]) -> ReadOptions:
    """Show what a file may leave open; return what was chosen. `choose_masks` shows how a second file is chosen.

    Raises: FileError for a kernel shape that is none, SettingError for axes or groups that are none.
    """
    with st.expander("How the file is read"):
        read_all = st.toggle(
            LABELS["--read-all"],
            **held("read_all", False),
            help="Read the tensors that were left alone too: as weights, or as masks where they are 0 and 1.",
        )
        axes = st.text_input(
            LABELS["--axes"],
            **held("read_axes", ""),
            placeholder="auto",
            help="Letters for the axes of a tensor: O out, I in, H W D the kernel, E experts. Such as HWIO for Keras and Flax, IO for "
            "in x out, or NAME=HWIO for one layer; several with spaces between.",
        )
        groups = st.text_input(
            LABELS["--conv-groups"],
            **held("read_groups", ""),
            placeholder="such as conv2.weight=32",
            help="NAME=N: the layer is a convolution of N groups, whose rows never share a block; several with spaces between.",
        )
        threshold = st.number_input(
            LABELS["--threshold"],
            min_value=0.0,
            value=None,
            format="%g",
            **held("read_threshold", None),
            placeholder="none: what is not 0 is kept",
            help="Weights of at most this size count as pruned; a mask keeps what is above it.",
        )
        order = st.selectbox(
            LABELS["--column-order"],
            COLUMN_ORDERS,
            **held("column_order", COLUMN_ORDERS[0]),
            help="The order in which a convolution's columns run over input channels and kernel, slowest first, in a file of matrices. PyTorch: cin-kh-kw; DLMC: kh-kw-cin.",
        )
        kernel = st.text_input(
            LABELS["--kernel-shape"],
            **held("kernel_shape", ""),
            placeholder="such as 3,3",
            help="The kernel of a convolution that lies in the file as a matrix.",
        )
        masks = choose_masks()
    return ReadOptions(
        column_order=order,
        kernel_shape=_kernel_shape(kernel),
        axes=tuple(axes.split()),
        groups=tuple(groups.split()),
        threshold=threshold,
        masks=None if masks is None else str(masks),
        read_all=read_all,
    )


def _kernel_shape(text: str) -> tuple[int, ...] | None:
    try:
        return tuple(int(part) for part in text.split(",")) if text else None
    except ValueError:
        raise FileError(f"kernel shape: expected numbers such as 3,3; got {text!r}") from None
