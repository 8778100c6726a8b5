"""What a transform from elsewhere must bring, so that every page and command can take it."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from typing import Any

from sparselab.analysis.metrics import Report
from sparselab.core.errors import SettingError
from sparselab.core.plugins import expect_texts
from sparselab.core.settings import check_declared, settings_of
from sparselab.transforms.base import Transform

TAKEN = frozenset(
    {
        *(
            "file",
            "name",
            "layer",
            "seed",
            "device",
            "out",
            "chance",
            "layouts",
            "layouts_out",
            "column_order",
            "kernel_shape",
            "json",
            "as_json",
            "help",
        ),
        *(
            "transform",
            "kernels",
            "opponents",
            "positions",
            "images",
            "input",
            "stride",
            "padding",
            "dtype",
            "rounds",
            "seconds",
        ),
        *(
            "threads",
            "sample",
            "source",
            "path",
            "order",
            "why_tab",
            "why_share",
            "why_file",
            "why_positions",
            "why_dtype",
            "why_rows",
            "why_cols",
            "why_kept",
            "tab",
            "tile",
            "minus_chance",
            "sweep",
            "audit",
            "claim",
            "plain",
            "numbers",
            "budget",
            "baseline",
        ),
        *(
            "digest",
            "view",
            "tradeoff",
            "model_input",
            "presenter_switch",
            "order_row",
            "show",
            "summary",
            "size",
            "height",
            "width",
            "batch",
            "side",
            "product",
            "backward",
            "figures",
            "map_kernel",
            "seconds_cell",
            "seconds_each",
            "latency_tab",
            "axis",
        ),
        *(
            "run",
            "preset",
            "published",
            "film_layer",
            "blocks",
            "training_tab",
            "with_study",
            "term",
            "resume",
            "form",
            "force",
            "axes",
        ),
        *(
            "transforms",
            "layers",
            "seeds",
            "folder",
            "shard",
            "jobs",
            "scheduler",
            "status",
            "collect",
            "retry_failed",
            "write_plan",
        ),
        *("options", "kept", "measure", "error", "task", "rows", "cols", "gain", "draws", "sweep_folder", "sweeps_tab"),
        *(each.name for each in fields(Report)),
        *("lesson", "step", "language", "controls"),
        *("mask", "threshold", "conv_groups", "read_all", "read_groups", "read_axes", "read_threshold", "read_masks"),
    }
)
"""What a setting cannot be called: an option of a command, or a widget of a page, has the name."""


def check_transform(name: str, kind: Any) -> None:
    """Raises: SettingError, or what the class raises, unless it is a transform that can be made with its defaults and compared."""
    if not (isinstance(kind, type) and issubclass(kind, Transform)) or inspect.isabstract(kind):
        raise SettingError(f"expected a subclass of {Transform.__module__}.Transform with __call__; got {kind!r}")
    expect_texts(kind, "title", "source", "__doc__")
    check_declared(kind)
    for setting in settings_of(kind):
        if setting.name in TAKEN or not re.fullmatch("[a-z][a-z0-9_]*", setting.name):
            raise SettingError(f"{setting.name}: expected a setting of another name, in lower case; this one is taken")
    made = kind()
    if strange := made.needs - {"weight", "rewound", "gradient", "features"}:
        raise SettingError(f"needs: expected weight, rewound, gradient or features; got {min(strange)!r}")
    for contender in kind.contenders(name, 0.5):
        if contender.transform != name or not contender.name.startswith(name):
            raise SettingError(f"contenders: expected names that begin with {name}; got {contender.name!r}")
        kind(**contender.settings)
