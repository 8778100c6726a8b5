"""The weights that layouts name: found in a model under any spelling that a file or a state_dict of it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import nn

from sparselab.core.errors import SettingError
from sparselab.core.modules.weights import ModuleWeight, UnreadWeight, weights_of
from sparselab.core.names import clean_name
from sparselab.core.ticket import Skipped

_PARTS = ("_orig", "_v")
"""What torch.nn.utils.prune, spectral_norm and weight_norm call the parameter that a weight is computed from."""

Located = ModuleWeight | str
"""A weight, or why the model's weight of that name cannot be read."""


def located(model: nn.Module, names: Iterable[str]) -> dict[str, Located]:
    """Return what each name means in a model; a trailing ".weight" may be left out.

    Names are those of the model's own state_dict, those without what wrappers put into them, as `sparselab.open` gives them,
    and those of the parameters that a pruned or parametrised weight is computed from.

    Raises: SettingError for a name that is no weight of the model.
    """
    weights, skipped = weights_of(model)
    known: dict[str, Located] = {}
    unread = [item for item in skipped if isinstance(item, UnreadWeight)]
    for spelling in (_exact, _cleaned, _parts):
        for weight in weights:
            for name in spelling(weight.raw_name, weight.name, weight.path, weight.attribute):
                known.setdefault(name, weight)
    for item in unread:
        for name in (item.name, clean_name(item.name)):
            known.setdefault(name, item.reason)
            known.setdefault(name.removesuffix(".weight"), item.reason)
    return {name: known[name] if name in known else _unknown(name, skipped) for name in names}


def layer_of(model: nn.Module, name: str) -> nn.Module:
    """Return the module that has the weight of a name. Raises: SettingError as `located` does, and for one not read."""
    (found,) = located(model, [name]).values()
    if isinstance(found, str):
        raise SettingError(f"{name}: expected a weight that can be read; this one is {found}")
    module: nn.Module = found.module
    return module


def _exact(raw: str, name: str, path: str, attribute: str) -> Iterator[str]:
    yield raw
    if attribute == "weight":
        yield path


def _cleaned(raw: str, name: str, path: str, attribute: str) -> Iterator[str]:
    for whole in (name, clean_name(name), clean_name(raw)):
        yield whole
        if attribute == "weight":
            yield whole.removesuffix("weight").removesuffix(".")


def _parts(raw: str, name: str, path: str, attribute: str) -> Iterator[str]:
    for whole in (raw, name, clean_name(name)):
        yield from (f"{whole}{part}" for part in _PARTS)
        before = whole.removesuffix(attribute)
        yield from (f"{before}parametrizations.{attribute}.{part}" for part in ("original", "original0", "original1"))


def _unknown(name: str, skipped: Iterable[Skipped]) -> Located:
    why = next((item.reason for item in skipped if item.name in (name, f"{name}.weight")), "")
    if why:
        raise SettingError(f"{name}: expected the name of a layer's weight; this is {why}")
    raise SettingError(f"expected the name of a layer of the model; it has no {name!r} with a weight")
