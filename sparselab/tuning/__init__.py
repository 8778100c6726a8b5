"""A pruned checkpoint of one's own: structure, some minutes of training, and what it came to beside the masked and the dense network."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparselab.tuning.converted import load_converted
    from sparselab.tuning.steps import tune
else:
    _HOMES = {"load_converted": "converted", "tune": "steps"}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Not at once: both load torch, and the command line does without.
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = ["load_converted", "tune"]
