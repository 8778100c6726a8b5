"""What kernels and opponents are called on the Latency page: by title; the names of files, links and commands stand beside it where one
is chosen.
"""

from __future__ import annotations

from sparselab.benchmarking.opponents import OPPONENTS
from sparselab.benchmarking.records import Row
from sparselab.kernels import KERNELS


def title_of(name: str) -> str:
    """Return the title of a kernel or an opponent; its name where stored sessions hold one that is not registered."""
    if name in OPPONENTS:
        return OPPONENTS[name].title
    return KERNELS[name].title if name in KERNELS else name


def choice_of(name: str) -> str:
    """Return the title and name of a kernel, as a picker shows it."""
    return f"{title_of(name)} ({name})"


def label_of(row: Row) -> str:
    """Return what a row is called among all rows of its session."""
    return row.label_with(title_of(row.kernel))
