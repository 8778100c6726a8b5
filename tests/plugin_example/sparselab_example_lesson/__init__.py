"""A lesson that a package brings: its folder is this package's own."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
