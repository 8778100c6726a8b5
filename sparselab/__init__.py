"""sparselab: see, count and take away the structure hidden in unstructured pruning masks.

    ticket = sparselab.open("pruned.pt")
    layout = sparselab.Regroup(rows_per_group=32)(ticket["conv.weight"])

Importing this package costs milliseconds: each name loads its module when it is first used, and torch, scikit-learn and the
partitioners are loaded where they compute.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sparselab.core.version import __version__

if TYPE_CHECKING:
    from sparselab.analysis.metrics import report
    from sparselab.auditing.layers import audit
    from sparselab.auditing.results import Audit
    from sparselab.core.errors import SparselabError
    from sparselab.core.layer import Layer
    from sparselab.core.layout import Block, Layout
    from sparselab.core.mask import Mask
    from sparselab.core.ticket import Ticket
    from sparselab.display.html_view import show
    from sparselab.formats.base import Format
    from sparselab.formats.opening import open_ticket as open
    from sparselab.grouping.base import Grouper
    from sparselab.kernels.base import Kernel
    from sparselab.nn.converting import convert
    from sparselab.transforms.base import Transform
    from sparselab.transforms.n_m.n_m import NM
    from sparselab.transforms.prune import Prune
    from sparselab.transforms.refill.refill import Refill, RefillPlus
    from sparselab.transforms.regroup.regroup import Regroup
    from sparselab.transforms.shuffled_blocks.shuffled_blocks import ShuffledBlocks
    from sparselab.workflows.diff import diff
    from sparselab.workflows.regroup import regroup
    from sparselab.workflows.sweeps.asking import sweep
else:
    # Hidden from type checkers, for which a module with a __getattr__ has every name that somebody mistypes.
    def __getattr__(name: str) -> object:
        try:
            module, _, attribute = _HOMES[name].rpartition(".")
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), attribute)
        return value


_HOMES = {
    "Audit": "auditing.results.Audit",
    "Block": "core.layout.Block",
    "Format": "formats.base.Format",
    "Grouper": "grouping.base.Grouper",
    "Kernel": "kernels.base.Kernel",
    "Layer": "core.layer.Layer",
    "Layout": "core.layout.Layout",
    "Mask": "core.mask.Mask",
    "NM": "transforms.n_m.n_m.NM",
    "Prune": "transforms.prune.Prune",
    "Refill": "transforms.refill.refill.Refill",
    "RefillPlus": "transforms.refill.refill.RefillPlus",
    "Regroup": "transforms.regroup.regroup.Regroup",
    "ShuffledBlocks": "transforms.shuffled_blocks.shuffled_blocks.ShuffledBlocks",
    "SparselabError": "core.errors.SparselabError",
    "Ticket": "core.ticket.Ticket",
    "Transform": "transforms.base.Transform",
    "audit": "auditing.layers.audit",
    "convert": "nn.converting.convert",
    "diff": "workflows.diff.diff",
    "open": "formats.opening.open_ticket",
    "regroup": "workflows.regroup.regroup",
    "report": "analysis.metrics.report",
    "show": "display.html_view.show",
    "sweep": "workflows.sweeps.asking.sweep",
}
"""Where each public name lives, below this package."""

__all__ = [
    "NM",
    "Audit",
    "Block",
    "Format",
    "Grouper",
    "Kernel",
    "Layer",
    "Layout",
    "Mask",
    "Prune",
    "Refill",
    "RefillPlus",
    "Regroup",
    "ShuffledBlocks",
    "SparselabError",
    "Ticket",
    "Transform",
    "__version__",
    "audit",
    "convert",
    "diff",
    "open",
    "regroup",
    "report",
    "show",
    "sweep",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
