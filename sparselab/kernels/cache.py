"""Where kernels keep what took long to make: compiled code and chosen tile sizes. The one place that spells the path."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER_VARIABLE = "SPARSELAB_CACHE"
"""The environment variable that names another folder."""


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of thing: below $SPARSELAB_CACHE, or in the user's cache folder. It may not exist yet."""
    home = Path.home()
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).expanduser() / kind
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "sparselab" / kind
