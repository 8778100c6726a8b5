"""Choosing the quickest of several ways to run one product, once a machine: the choice is kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from sparselab.errors import UnavailableError
from sparselab.kernels.triton_configs import Config

FOLDER_VARIABLE = "SPARSELAB_CACHE"
"""The environment variable that says where choices are kept."""

Timer = Callable[[Config], float]
"""Milliseconds of one config; infinite where the device refuses it."""

_BEST_OF_COARSE = 3


def folder() -> Path:
    """Return where choices are kept: $SPARSELAB_CACHE, or the user's cache folder."""
    home = Path.home()
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named) / "tuning"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "sparselab" / "tuning"


def chosen(
    key: Mapping[str, Any],
    coarse: Iterable[Config],
    fine: Callable[[Config], Iterable[Config]],
    milliseconds: Timer,
) -> Config:
    """Return the config kept for `key`, or time the coarse ones, then variations of the three best, and keep the quickest.

    Raises: UnavailableError when the device refuses all.
    """
    known = recall(key)
    if known is not None:
        return known
    times = {config: milliseconds(config) for config in coarse}
    best = sorted(times, key=times.__getitem__)[:_BEST_OF_COARSE]
    times |= {other: milliseconds(other) for config in best for other in fine(config) if other not in times}
    found = min(times, key=times.__getitem__)
    if times[found] == float("inf"):
        raise UnavailableError(f"expected a device that runs one of {len(times)} tile sizes; it refused them all")
    keep(key, found, times[found])
    return found


def recall(key: Mapping[str, Any]) -> Config | None:
    """Return the config kept for `key`; None where there is none, or the file is damaged or of another key."""
    try:
        text = json.loads(_path(key).read_text(encoding="utf-8"))
        values = {f.name: text["config"][f.name] for f in fields(Config)}
        kinds = {f.name: str if f.type == "str" else int for f in fields(Config)}
        sound = all(type(values[name]) is kind for name, kind in kinds.items())
        return Config(**values) if sound and text["key"] == _plain(key) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(key: Mapping[str, Any], config: Config, milliseconds: float) -> None:
    """Write the choice, whole or not at all; a folder that cannot be written to costs the next process a tuning."""
    path = _path(key)
    text = json.dumps({"key": _plain(key), "config": asdict(config), "milliseconds": milliseconds}, indent=1)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(text, encoding="utf-8")
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def _plain(key: Mapping[str, Any]) -> Any:
    """The key as JSON gives it back."""
    return json.loads(json.dumps(dict(key)))


def _path(key: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(_plain(key), sort_keys=True).encode()).hexdigest()
    return folder() / f"{digest[:32]}.json"
