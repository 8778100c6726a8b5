"""How a task or network of one's own is named: FILE.py:NAME or package.module:NAME."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sparselab.core.settings import OrForm

REFERENCE = OrForm(
    re.compile(r"(?P<place>.+\.py|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)"),
    "FILE.py:NAME, or package.module:NAME",
)
"""The form of a reference, beside the names that are registered."""


@dataclass(frozen=True)
class Reference:
    """Where code of one's own lies: in a `file`, or in a `module` that Python finds; `name` is what it defines there."""

    name: str
    file: Path | None = None
    module: str = ""

    def __str__(self) -> str:
        return f"{self.file or self.module}:{self.name}"

    @property
    def place(self) -> str:
        """The file or module, short enough for a sentence."""
        return self.file.name if self.file is not None else self.module


def parse_reference(text: str) -> Reference | None:
    """Return what a text refers to; None where it has not the form, and so is a registered name.

    Example: >>> parse_reference("models/net.py:Small").name, parse_reference("timm.models:resnet26").module
             ('Small', 'timm.models')
             >>> parse_reference("vgg-small") is None
             True
    """
    found = REFERENCE.pattern.fullmatch(text)
    if found is None:
        return None
    if found["place"].endswith(".py"):
        return Reference(found["name"], file=Path(found["place"]))
    return Reference(found["name"], module=found["place"])


def absolute(text: str) -> str:
    """Return a reference to a file with the file's absolute path, and any other text as it is: it is to hold in every folder."""
    found = parse_reference(text)
    return text if found is None or found.file is None else f"{found.file.absolute()}:{found.name}"


def short(text: str) -> str:
    """Return a reference to a file without the file's folder, and any other text as it is: for lists of runs.

    Example: >>> short("/home/me/photos.py:Net"), short("vgg-small")
             ('photos.py:Net', 'vgg-small')
    """
    found = parse_reference(text)
    return text if found is None else f"{found.place}:{found.name}"
