"""Choices that took long to make, kept on disk for the next process: one small JSON file each."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, sweep
from sparselab.core.paths import cache_folder

Choice = Mapping[str, int | str]


def recall(key: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any] | None:
    """Return what was kept for `key`, values of exactly these kinds by name; None where there is none, or the file is damaged."""
    try:
        document = json.loads(_path(key).read_text(encoding="utf-8"))
        choice = document["choice"]
        sound = document["key"] == _plain(key) and {name: type(value) for name, value in choice.items()} == dict(kinds)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return choice if sound else None


def keep(key: Mapping[str, Any], choice: Choice) -> None:
    """Write a choice, whole or not at all. A folder that cannot be written to costs the next process the same time again."""
    path = _path(key)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, older_than=DAY_SECONDS)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps({"key": _plain(key), "choice": dict(choice)}, indent=1), encoding="utf-8")


def _plain(key: Mapping[str, Any]) -> Any:
    """The key as JSON gives it back."""
    return json.loads(json.dumps(dict(key)))


def _path(key: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(_plain(key), sort_keys=True).encode()).hexdigest()
    return cache_folder("tuning") / f"{digest[:32]}.json"
