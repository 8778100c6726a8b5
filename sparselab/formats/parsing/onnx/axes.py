"""The axes of a tensor followed through Transpose and Reshape, to say in the file's own order what its consumer says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A tensor as a node sees it: its shape there, and for each axis the one of the file it is, None for an added 1.

    `is_whole`: every axis is one of the file. Otherwise only the first is known, and the others run over the rest in order.
    """

    shape: tuple[int, ...]
    origins: tuple[int | None, ...]
    file_shape: tuple[int, ...]
    is_whole: bool = True

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Seen:
        """A tensor as it lies in the file."""
        return cls(shape=shape, origins=tuple(range(len(shape))), file_shape=shape)


def transposed(seen: Seen | None, order: tuple[int, ...] | None) -> Seen | None:
    """Return what is seen after Transpose; without an order the axes are reversed. None for an order that is none."""
    if seen is None:
        return None
    order = order or tuple(reversed(range(len(seen.shape))))
    if sorted(order) != list(range(len(seen.shape))) or not seen.is_whole:
        return None
    return replace(seen, shape=tuple(seen.shape[i] for i in order), origins=tuple(seen.origins[i] for i in order))


def reshaped(seen: Seen | None, shape: tuple[int, ...] | None, *, allow_zero: bool = False) -> Seen | None:
    """Return what is seen after Reshape, where 0 keeps an axis and -1 takes the rest. None for a shape that does not fit.

    Axes of size 1 come and go. What folds axes together is followed when the first stays: out x (in * kh * kw).
    """
    if seen is None or shape is None or len(shape) > len(seen.shape) + 8:
        return None
    sizes = [seen.shape[i] if n == 0 and not allow_zero and i < len(seen.shape) else n for i, n in enumerate(shape)]
    rest = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and rest:
        sizes[sizes.index(-1)] = prod(seen.shape) // rest
    if min(sizes, default=0) < 0 or prod(sizes) != prod(seen.shape):
        return None
    large = [(size, origin) for size, origin in zip(seen.shape, seen.origins, strict=True) if size != 1]
    if [size for size, _ in large] == [size for size in sizes if size != 1]:
        left = iter(origin for _, origin in large)
        return replace(seen, shape=tuple(sizes), origins=tuple(None if size == 1 else next(left) for size in sizes))
    if sizes[0] == seen.shape[0] and seen.origins[0] == 0:
        return replace(seen, shape=tuple(sizes), origins=(0, *[None] * (len(sizes) - 1)), is_whole=False)
    return None


def letters(seen: Seen, roles: str) -> str | None:
    """Return the letters of the file's axes, given those of the axes as seen; "" where only the first is known to be O.

    None when the letters cannot be told, or the tensor has fewer than two axes.

    Example: >>> letters(transposed(Seen.of((8, 3)), (1, 0)), "IO"), letters(reshaped(Seen.of((8, 3, 1, 1)), (8, 3)), "OI")
             ('OI', 'OIHW')
    """
    if len(seen.file_shape) < 2:
        return None
    if not seen.is_whole:
        return "" if roles.startswith("O") else None
    told = {origin: role for origin, role in zip(seen.origins, roles, strict=True) if origin is not None}
    spare = iter(dict.fromkeys(role for role in f"{roles}HWD" if role not in told.values()))
    named = [told.get(axis) or next(spare, "") for axis in range(len(seen.file_shape))]
    return "".join(named) if all(named) else None
