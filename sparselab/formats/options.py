"""What a reader is told about a file, and how much a file may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from sparselab.core.errors import SettingError
from sparselab.core.im2col import COLUMN_ORDERS, ColumnOrder
from sparselab.core.inputs.arrays import MAX_ELEMENTS, MAX_RANK, MAX_SIZE


@dataclass(frozen=True)
class ReadOptions:
    """What a matrix without a shape of its own (.smtx, 2-D arrays in .npy and .npz) means.

    `kernel_shape` says that it is a convolution with this kernel, `column_order` how its columns run in the file.

    Raises: SettingError for an unknown order or a kernel shape that is none.
    """

    column_order: ColumnOrder = "cin-kh-kw"
    kernel_shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.column_order not in COLUMN_ORDERS:
            raise SettingError(f"column_order: expected one of {', '.join(COLUMN_ORDERS)}; got {self.column_order!r}")
        if self.kernel_shape is not None:
            sizes = tuple(self.kernel_shape)
            whole = all(isinstance(size, int) and 1 <= size <= MAX_SIZE for size in sizes)
            if not whole or not 1 <= len(sizes) <= MAX_RANK - 2:
                raise SettingError(f"kernel_shape: expected whole numbers from 1 up, such as 3,3; got {sizes}")
            object.__setattr__(self, "kernel_shape", sizes)


@dataclass(frozen=True)
class ReadLimits:
    """How much one file may ask for; what asks for more is refused with a FileError.

    `max_tensors` counts everything named in the file, `max_layers` what is read as a layer. `max_elements` is per
    tensor, `max_total_bytes` for all tensors once unpacked. `max_header_bytes` bounds what must be parsed before the
    first number: as much as the safetensors library takes, and what it holds is counted before it is parsed.
    `max_pickle_bytes` does so for pickles, which may hold arrays of NumPy. `max_ratio` bounds unpacked / packed bytes
    beyond the first `free_bytes`: masks of one byte a weight compress some tenfold to hundredfold, while zeros alone
    reach a thousandfold.
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
