"""Training: tasks, models, masks that are found, changed and trained again, and runs that survive anything.

`run` trains from Python as the command `train` does.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparselab.training.runs.calling import run
else:

    def __getattr__(name: str) -> object:
        if name != "run":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Not at once: it loads torch, and readers of runs do without.
        return import_module(f"{__name__}.runs.calling").run


__all__ = ["run"]
