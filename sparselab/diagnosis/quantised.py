"""A model's linear layers in int8, quantised dynamically by torch: an honest alternative to pruning, with its error."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from sparselab.benchmarking.opponents import OPPONENTS
from sparselab.benchmarking.opponents.int8 import PackedInt8, packed_by_engine
from sparselab.core.errors import UnavailableError
from sparselab.nn.fast_paths import run_layers_of_encoders
from sparselab.nn.permanent import copied


class _Int8Linear(nn.Module):
    """Y = X W^T + b with W in int8; X is quantised at every call, sums are int32."""

    def __init__(self, packed: PackedInt8) -> None:
        super().__init__()
        self.packed = packed

    def forward(self, x: Tensor) -> Tensor:
        y = self.packed.product(x.reshape(-1, x.shape[-1]).contiguous())
        return y.reshape(*x.shape[:-1], y.shape[-1])


def in_int8(model: nn.Module) -> Mapping[str, nn.Module] | str:
    """Return copies of a model by torch's engine for int8, every plain float32 linear layer swapped; or why there is none."""
    paths = [path for path, module in model.named_modules() if type(module) is nn.Linear]
    if not paths:
        return "it has no linear layer, and torch quantises no other kind dynamically"
    if missing := OPPONENTS["dense-int8"].missing():
        return missing
    packed = {}
    for path in paths:
        layer = model.get_submodule(path)
        assert isinstance(layer, nn.Linear)
        if layer.weight.dtype.itemsize != 4 or layer.weight.is_cuda:
            return "torch quantises linear layers in float32 on the CPU dynamically, no others"
        try:
            packed[path] = packed_by_engine(layer.weight.detach(), None if layer.bias is None else layer.bias.detach())
        except UnavailableError as error:
            return str(error)
    engines = [name for name in packed[paths[0]] if all(name in each for each in packed.values())]
    return {name: _swapped(model, lambda path, name=name: packed[path][name]) for name in engines}  # type: ignore[misc]


def _swapped(model: nn.Module, of: Callable[[str], PackedInt8]) -> nn.Module:
    new = copied(model)
    for path, module in list(new.named_modules()):
        if type(module) is nn.Linear:
            made = _Int8Linear(of(path))
            if not path:
                return made.eval()
            parent, _, leaf = path.rpartition(".")
            setattr(new.get_submodule(parent), leaf, made)
    run_layers_of_encoders(new, _Int8Linear)
    return new.eval()
