"""The two examples of docs/own_network.md, written out with tiny data: their code and commands are the document's own."""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from sparselab.core.settings import settings_of
from sparselab.training.settings import TrainSettings

TEXT = (Path(__file__).parents[3] / "docs" / "own_network.md").read_text(encoding="utf-8")
BLOCKS: tuple[str, ...] = tuple(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = tuple(
    shlex.split(line)[3:] for line in TEXT.splitlines() if line.startswith("    python -m sparselab train")
)
SMALL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "photos": ("--task-settings", "size=8", "--model-settings", "dropout=0.2", "--width", "0.5"),
        "book": ("--task-settings", "length=8", "--model-settings", "wide=16,depth=1,heads=2"),
    }
)
TINY = ("--epochs", "2", "--batch", "8", "--threads", "1", "--device", "cpu")


def block_of(title: str) -> str:
    """The code block of the document that begins with a docstring or line."""
    return next(block for block in BLOCKS if block.startswith(title))


def write_example(name: str, folder: Path) -> Path:
    """Write the code and data of an example; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    title = {"photos": '"""Photographs', "book": '"""The next character'}[name]
    (folder / f"{name}.py").write_text(block_of(title), encoding="utf-8")
    if name == "book":
        letters = random.Random(0).choices("abc d", k=60)
        (folder / "book.txt").write_text("".join(letters) * 8, encoding="utf-8")
        return folder
    source = np.random.default_rng(0)
    for part, count in (("train", 8), ("validation", 3), ("test", 3)):
        for label, name_of in enumerate(("dark", "light")):
            place = folder / "photos" / part / name_of
            place.mkdir(parents=True)
            for number in range(count):
                pixels = source.integers(100 * label, 100 * label + 120, (9, 10, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    return folder


def arguments(name: str, *, levels: int) -> list[str]:
    """The example's last command of the document, made tiny: the words after `train`."""
    words = next(words for words in reversed(COMMANDS) if f"{name}.py:" in " ".join(words))
    then = [word.replace(f"@{_levels(words)}", f"@{levels}") for word in words]
    return [*then, *SMALL[name], *TINY, "--levels", str(levels)]


def settings_of_example(name: str, folder: Path, *, levels: int) -> dict[str, Any]:
    """The settings of that command, with the code in `folder`, as values."""
    words = arguments(name, levels=levels)
    flags = {setting.flag: setting for setting in settings_of(TrainSettings)}
    values = {flags[flag].name: flags[flag].parse(text) for flag, text in pairwise(words) if flag in flags}
    return values | {kind: f"{folder / values[kind]}" for kind in ("task", "model")}


def _levels(words: list[str]) -> str:
    return words[words.index("--levels") + 1]
