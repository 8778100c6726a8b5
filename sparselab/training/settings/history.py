"""Settings that came later: what runs without them did, so that they keep their names and their meaning."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sparselab.core.settings import settings_of

BEFORE: Mapping[str, Any] = MappingProxyType(
    {
        **{"model_settings": "", "from_file": "", "take": "both", "optimizer": "sgd", "nesterov": False},
        **{"rate_steps": "", "rate_factor": 0.1, "label_smoothing": 0.0, "clip": None},
        **{"reinitialise": "", "admm_rho": 0.01, "admm_updates": 20, "candidates": "rounded"},
    }
)
"""What a run does whose config was written before the setting was there. It need not be the setting's default."""


def digest_of(settings: Any) -> str:
    """Return the name of a run: 16 hexadecimal digits of the SHA-256 of its settings' JSON.

    A setting that came later counts where older runs did otherwise, so that those keep their names. Its default does not
    count either where the run has no use for the setting.
    """
    values = dataclasses.asdict(settings)
    told = dict(values)
    for setting in settings_of(type(settings)):
        name, value = setting.name, values[setting.name]
        idle = value == setting.default and not setting.counts(values)
        if name in BEFORE and (value == BEFORE[name] or idle):
            del told[name]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def with_those_before(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return values that a run wrote down, with what it does by settings that were not there then and count for it."""
    defaults = {setting.name: setting.default for setting in settings_of(kind)}
    whole = {**defaults, **values}
    missing = [setting for setting in settings_of(kind) if setting.name in BEFORE and setting.name not in values]
    return {**values, **{setting.name: BEFORE[setting.name] for setting in missing if setting.counts(whole)}}
