"""Runs that are older than a setting: what they were made with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

BEFORE: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("model_settings", "from_file", "rate_steps"), ""),
        **{
            "take": "both",
            "optimizer": "sgd",
            "nesterov": False,
            "rate_factor": 0.1,
            "label_smoothing": 0.0,
            "clip": None,
        },
        **{"reinitialise": "", "admm_rho": 0.01, "admm_updates": 20},
        "candidates": "rounded",
        "weigh": "count",
        "keep_masks": 0,
    }
)
"""By setting: its default, but where the default has changed since."""
