"""Inputs described in words: [NAME=][DTYPE:]SHAPE[<HIGH], as the command line has them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from sparselab.core.errors import SettingError

FORM = "[NAME=][DTYPE:]SHAPE[<HIGH]"
_SPEC = re.compile(
    r"(?:(?P<name>[A-Za-z_][\w.:/]{0,99})=)?(?:(?P<dtype>[a-z]{1,8}[0-9]{0,2}):)?(?P<shape>[0-9]{1,9}(?:,[0-9]{1,9}){0,7})(?:<(?P<high>[0-9]{1,12}))?"
)
_DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
_MOST_NUMBERS = 2**31
_HIGH = 2


@dataclass(frozen=True)
class InputSpec:
    """One input: standard normal numbers of a floating type, whole ones below `high` of another. name: "" by place."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""
    high: int | None = None

    def tensor(self, seed: int = 0) -> Tensor:
        """Return the numbers, the same for the same seed."""
        rng = torch.Generator().manual_seed(seed)
        dtype: torch.dtype = getattr(torch, self.dtype)
        if dtype.is_floating_point:
            return torch.randn(self.shape, generator=rng).to(dtype)
        return torch.randint(0, self.high or _HIGH, self.shape, generator=rng).to(dtype)


def parse_input(text: str) -> InputSpec:
    """Return the input that a text describes.

    Raises: SettingError for another form, an unknown type, or more than 2^31 numbers.
    Example: >>> parse_input("ids=int64:1,128<30522")
             InputSpec(shape=(1, 128), dtype='int64', name='ids', high=30522)
             >>> parse_input("8,3,32,32").tensor().shape
             torch.Size([8, 3, 32, 32])
    """
    found = _SPEC.fullmatch(text)
    if found is None:
        raise SettingError(f"--input: expected {FORM}, such as 1,3,224,224 or ids=int64:1,128<30522; got {text[:80]!r}")
    dtype, shape = found["dtype"] or "float32", tuple(map(int, found["shape"].split(",")))
    if dtype not in _DTYPES:
        raise SettingError(f"--input: expected a type among {', '.join(_DTYPES)}; got {dtype!r}")
    if min(shape) < 1 or prod(shape) > _MOST_NUMBERS:
        raise SettingError(f"--input: expected sizes of at least 1 and at most 2^31 numbers; got {found['shape']}")
    if found["high"] is not None and (dtype.startswith(("float", "bfloat")) or int(found["high"]) < 1):
        raise SettingError(f"--input: expected <HIGH, at least 1, behind the shape of whole numbers; got {text[:80]!r}")
    return InputSpec(shape, dtype, found["name"] or "", None if found["high"] is None else int(found["high"]))


def parse_inputs(texts: Iterable[str]) -> tuple[InputSpec, ...]:
    """Return several inputs. Raises: SettingError as `parse_input`, and for two of one name."""
    specs = tuple(map(parse_input, texts))
    names = [spec.name for spec in specs if spec.name]
    if len(set(names)) < len(names):
        raise SettingError("--input: expected names that differ; got one of them twice")
    return specs
