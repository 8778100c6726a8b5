"""Which axis of a tensor is out, which is in, which are the kernel: what the file says, what its bias proves, what names suggest."""

from __future__ import annotations

from sparselab.core.errors import FileError
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.kinds.parts import times
from sparselab.formats.kinds.rule import KindRule, registry
from sparselab.formats.kinds.surroundings import Named, Surroundings
from sparselab.formats.options import ReadOptions

_SMALL = 11
"""The largest side of a kernel that is told from channels by its size."""

_CONV1D = frozenset({"c_attn", "c_fc", "c_proj", "q_attn"})
_TRANSPOSED = frozenset({"transpose", "transposed", "deconv", "convtranspose", "upconv"})


def plain_axes(rank: int) -> str:
    """Return PyTorch's order of the axes of a weight.

    Example: >>> plain_axes(2), plain_axes(4)
             ('OI', 'OIHW')
    """
    return "OI" + ("W", "HW", "DHW", "DHWX", "DHWXY", "DHWXYZ")[rank - 3] if rank > 2 else "OI"


def axes_of(tensor: Named, file: Surroundings, options: ReadOptions, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the order of a tensor's axes, and a note where it was assumed.

    Raises: FileError for axes that were given and do not fit.
    """
    rank = len(tensor.shape)
    if given := options.axes_of(name, rank):
        return _checked(name, given, tensor.entry), ()
    if tensor.entry.axes:
        return _checked(name, tensor.entry.axes, tensor.entry), ()
    is_flat = not file.has_shapes and rank == 2 and options.kernel_shape is not None
    for rule in () if is_flat else AXES_RULES.values():
        axes = None if rule.catches is None else rule.catches(tensor, file)
        if axes is not None:
            return axes, (rule.text(axes),)
    return plain_axes(rank), ()


def _checked(name: str, axes: str, entry: ArchiveEntry) -> str:
    if len(axes) != len(entry.shape) or not {"O", "I"} <= set(axes):
        raise FileError(f"{name}: expected axes for a tensor of {times(entry.shape)}; got {axes}")
    return axes


def _bias_length(tensor: Named, file: Surroundings) -> int:
    """Return how many outputs the bias has, 0 without one."""
    bias = file.bias_of(tensor)
    return bias.shape[0] if bias is not None and len(bias.shape) == 1 else 0


def _columns_by_bias(tensor: Named, file: Surroundings) -> str | None:
    length = _bias_length(tensor, file)
    return "IO" if len(tensor.shape) == 2 and length == tensor.shape[1] != tensor.shape[0] else None


def _columns_by_namesake(tensor: Named, file: Surroundings) -> str | None:
    if len(tensor.shape) != 2 or not tensor.module or _bias_length(tensor, file) not in (0, tensor.shape[1]):
        return None
    return "IO" if (tensor.module[-1], tensor.words) in file.once(_proven) else None


def _proven(file: Surroundings) -> frozenset[tuple[str, tuple[str, ...]]]:
    """Return the names of modules whose weights are in x out, as their biases prove or GPT-2's sizes suggest."""
    found = {
        (tensor.module[-1], tensor.words)
        for tensor in file.tensors
        if tensor.module and len(tensor.shape) == 2 and (_columns_by_bias(tensor, file) or _is_gpt2(tensor, file))
    }
    if any(name in _CONV1D for name, _ in found):
        found |= {(name, words) for name in _CONV1D for _, words in found}
    return frozenset(found)


def _is_gpt2(tensor: Named, file: Surroundings) -> bool:
    rows, cols = tensor.shape
    times_out = {"c_attn": 3, "c_fc": 4}.get(tensor.module[-1])
    return times_out is not None and cols == times_out * rows and not _bias_length(tensor, file)


def _kernel_first(tensor: Named, file: Surroundings) -> str | None:
    shape = tensor.shape
    if len(shape) != 4 or tensor.words[:1] == ("depthwise",):
        return None
    length, is_kernel = _bias_length(tensor, file), "kernel" in tensor.words
    if length and length == shape[0]:
        return None
    is_small_first = max(shape[:2]) <= _SMALL
    is_small_last = shape[2] == shape[3] <= _SMALL and max(shape[:2]) > max(shape[2:])
    proven = length and length == shape[3] and is_small_first
    looks_so = shape[0] == shape[1] <= _SMALL < max(shape[2:]) and (shape[2] != shape[3] or shape[3] > 16)
    return "HWIO" if proven or looks_so or (is_kernel and is_small_first and not is_small_last) else None


def _depthwise_kernel(tensor: Named, file: Surroundings) -> str | None:
    return (
        "HWOI"
        if tensor.words[:2] == ("depthwise", "kernel") and len(tensor.shape) == 4 and tensor.shape[3] == 1
        else None
    )


def _kernel_between(tensor: Named, file: Surroundings) -> str | None:
    shape = tensor.shape
    is_square = len(shape) == 4 and shape[1] == shape[2] <= _SMALL < shape[3]
    return "OHWI" if is_square and shape[0] > 1 and _bias_length(tensor, file) in (0, shape[0]) else None


def _transposed(tensor: Named, file: Surroundings) -> str | None:
    shape = tensor.shape
    if len(shape) not in (3, 4, 5) or "kernel" in tensor.words:
        return None
    length = _bias_length(tensor, file)
    words = {word for part in tensor.module for word in part.lower().split("_")}
    proven = length == shape[1] != shape[0]
    return "IO" + plain_axes(len(shape))[2:] if proven or (not length and words & _TRANSPOSED) else None


def _dense_kernel(tensor: Named, file: Surroundings) -> str | None:
    if "kernel" not in tensor.words:
        return None
    shape, bias = tensor.shape, file.bias_of(tensor)
    if len(shape) == 2:
        return None if _bias_length(tensor, file) == shape[0] != shape[1] else "IO"
    if len(shape) != 3:
        return None
    if bias is not None and bias.shape == shape[1:]:
        return "IOO"  # Flax's attention: in x heads x head size
    if bias is not None and shape[0] > _SMALL and bias.shape == shape[2:]:
        return "IIO"
    return "WIO" if shape[0] <= _SMALL else None


def _experts(tensor: Named, file: Surroundings) -> str | None:
    path = tensor.path
    places = [i for i, part in enumerate(path) if {"expert", "experts", "moe"} & set(part.lower().split("_"))]
    if len(tensor.shape) != 3 or not places or any(part.isdigit() for part in path[places[-1] + 1 :]):
        return None
    _, first, second = tensor.shape
    bias = file.bias_of(tensor)
    if bias is not None and len(bias.shape) == 2 and first != second:
        return "EIO" if bias.shape[1] == second else "EOI"
    ups = [other.shape for other in (tensor, *file.beside(tensor)) if "up" in other.words and len(other.shape) == 3]
    downs = [other.shape for other in (tensor, *file.beside(tensor)) if "down" in other.words and len(other.shape) == 3]
    if ups and downs:
        (_, up_first, up_second), (_, down_first, down_second) = ups[0], downs[0]
        if up_first == down_second and up_second in (down_first, 2 * down_first) and up_second != up_first:
            return "EIO"
    return "EOI"


AXES_RULES = registry(
    (
        KindRule(
            name="columns-by-bias",
            title="Matrices that are in x out, as the bias proves",
            outcome="read",
            says="read as {}: its bias has as many numbers as it has columns, not rows",
            line="GPT-2's Conv1D, Keras and Flax: the length of the bias is the number of outputs.",
            catches=_columns_by_bias,
        ),
        KindRule(
            name="columns-by-namesake",
            title="Matrices that are in x out, as others of their name",
            outcome="read",
            says="read as {}, as the others of its name; --axes says otherwise",
            line="Square matrices and those without a bias follow the layers of the same name whose bias proves it.",
            catches=_columns_by_namesake,
        ),
        KindRule(
            name="depthwise-kernel",
            title="Keras's depthwise kernels",
            outcome="read",
            says="read as {}, by its name; --axes says otherwise",
            line="kernel x kernel x channels x 1: each channel is a group.",
            catches=_depthwise_kernel,
        ),
        KindRule(
            name="kernel-first",
            title="Convolutions with the kernel first",
            outcome="read",
            says="read as {}, by its sizes, name and bias; --axes says otherwise",
            line="Keras, Flax and JAX: 3x3x64x128 is a kernel of 3x3, 64 inputs and 128 outputs.",
            catches=_kernel_first,
        ),
        KindRule(
            name="kernel-between",
            title="Convolutions with the inputs last",
            outcome="read",
            says="read as {}, by its sizes; --axes says otherwise",
            line="TFLite and MLX: 64x3x3x32 is 64 outputs, a kernel of 3x3 and 32 inputs.",
            catches=_kernel_between,
        ),
        KindRule(
            name="transposed",
            title="Transposed convolutions",
            outcome="read",
            says="read as {}, a transposed convolution, by its bias or name; --axes says otherwise",
            line="PyTorch keeps their weights as in x out x kernel.",
            catches=_transposed,
        ),
        KindRule(
            name="dense-kernel",
            title="Kernels of Keras and Flax that are matrices",
            outcome="read",
            says="read as {}, because it is called a kernel; --axes says otherwise",
            line="Dense kernels are in x out; those of attention are in x heads x size, or heads x size x out.",
            catches=_dense_kernel,
        ),
        KindRule(
            name="experts",
            title="The experts of a mixture in one tensor",
            outcome="read",
            says="read as {}, experts by its name, their rows one after the other as groups; --axes says otherwise",
            line="Three axes under a module called experts or moe. A Conv1d (out, in, kernel) is not one.",
            catches=_experts,
        ),
    )
)
"""What is assumed of the order of axes, in the order in which it is tried."""
