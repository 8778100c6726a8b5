"""What a reader is told about a file, and how much a file may ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sparselab.core.errors import SettingError
from sparselab.core.im2col import COLUMN_ORDERS, ColumnOrder
from sparselab.core.inputs.arrays import MAX_ELEMENTS, MAX_RANK, MAX_SIZE


@dataclass(frozen=True)
class ReadOptions:
    """What a reader is told about a file that the file itself does not say.

    `kernel_shape` says that a matrix without a shape of its own (.smtx, 2-D arrays in .npy and .npz) is a convolution with this
    kernel, `column_order` how its columns run in the file. `axes` are orders of axes, one letter each (O out, I in, H W D the
    kernel, E experts), such as "HWIO": for every tensor of as many axes, or as "NAME=HWIO" for one; none, or "auto", leaves them
    to what the file says. `groups` are "NAME=N": the layer is a convolution of N groups. `threshold`: what is at most this large
    counts as pruned (|weight| <= threshold; a mask keeps what is above it). `masks` is the path of a second file that holds the
    masks of this one's weights. `read_all`: what was left alone is read all the same, as weights, or as masks where it is 0/1.

    Raises: SettingError for an unknown order, axes or groups that are none, and a threshold below 0.
    """

    column_order: ColumnOrder = "cin-kh-kw"
    kernel_shape: tuple[int, ...] | None = None
    axes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    threshold: float | None = None
    masks: str | None = None
    read_all: bool = False

    def __post_init__(self) -> None:
        if self.column_order not in COLUMN_ORDERS:
            raise SettingError(f"column_order: expected one of {', '.join(COLUMN_ORDERS)}; got {self.column_order!r}")
        if self.kernel_shape is not None:
            sizes = tuple(self.kernel_shape)
            whole = all(isinstance(size, int) and 1 <= size <= MAX_SIZE for size in sizes)
            if not whole or not 1 <= len(sizes) <= MAX_RANK - 2:
                raise SettingError(f"kernel_shape: expected whole numbers from 1 up, such as 3,3; got {sizes}")
            object.__setattr__(self, "kernel_shape", sizes)
        object.__setattr__(self, "axes", tuple(text for text in _texts(self.axes) if text != "auto"))
        object.__setattr__(self, "groups", _texts(self.groups))
        for text in self.axes:
            if not are_axes(text.rpartition("=")[2]):
                raise SettingError(f"axes: expected auto, or letters such as OIHW, HWIO, OI, IO or EIO; got {text!r}")
        for text in self.groups:
            name, _, count = text.rpartition("=")
            if not name or not re.fullmatch(r"[1-9][0-9]{0,7}", count):
                raise SettingError(f"groups: expected NAME=N, such as conv2.weight=32; got {text!r}")
        if self.threshold is not None and not 0 <= self.threshold < float("inf"):
            raise SettingError(f"threshold: expected a number from 0 up; got {self.threshold:g}")

    def axes_of(self, name: str, rank: int) -> str:
        """Return the axes that were given for the layer of this name, or for every tensor of this rank; "" for none."""
        pairs = [text.rpartition("=") for text in self.axes]
        own = [axes for key, _, axes in pairs if key == name]
        return next(iter(own[::-1] + [axes for key, _, axes in pairs if not key and len(axes) == rank]), "")

    def groups_of(self, name: str) -> int | None:
        """Return the groups that were given for the layer of this name, or None."""
        pairs = [text.rpartition("=") for text in self.groups]
        return next((int(count) for key, _, count in reversed(pairs) if key == name), None)

    def named_layers(self) -> tuple[str, ...]:
        """Return the names of layers that something is said of."""
        return tuple(key for text in (*self.axes, *self.groups) if (key := text.rpartition("=")[0]))


def are_axes(text: str) -> bool:
    """Whether a text names the axes of a tensor: letters of OIHWDE, with an O and an I, which alone may come twice.

    Example: >>> are_axes("HWIO"), are_axes("EOI"), are_axes("HWO"), are_axes("OIHH")
             (True, True, False, False)
    """
    once = text.replace("O", "", 1).replace("I", "", 1)
    return (
        re.fullmatch(r"[OIHWDE]{2,7}", text) is not None and len(text) - len(once) == 2 and len(set(once)) == len(once)
    )


def _texts(given: object) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)  # type: ignore[arg-type]


@dataclass(frozen=True)
class ReadLimits:
    """How much one file may ask for; what asks for more is refused with a FileError.

    `max_tensors` counts everything named in the file, `max_layers` what is read as a layer. `max_elements` is per
    tensor, `max_total_bytes` for all tensors of a format that holds them in memory or unpacks them. `max_header_bytes`
    bounds what must be parsed before the first number: as much as the safetensors library takes, and what it holds is
    counted before it is parsed. `max_pickle_bytes` does so for pickles, which may hold arrays of NumPy. `max_ratio`
    bounds unpacked / packed bytes beyond the first `free_bytes`: masks of one byte a weight compress some tenfold to
    hundredfold, while zeros alone reach a thousandfold.
    """

    max_layers: int = 10_000
    max_tensors: int = 20_000
    max_elements: int = MAX_ELEMENTS
    max_total_bytes: int = 8 * 2**30
    max_header_bytes: int = 100_000_000
    max_pickle_bytes: int = 256 * 2**20
    max_ratio: int = 200
    free_bytes: int = 64 * 2**20


DEFAULT_OPTIONS = ReadOptions()
DEFAULT_LIMITS = ReadLimits()
