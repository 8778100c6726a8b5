"""How a child process is started that imports this package."""

from __future__ import annotations

import os
import sys

from sparselab.core.data_files import PACKAGE_ROOT

WORKER_PROGRAM = "from sparselab.runtime.worker_main import serve; serve()"
"""What a worker process runs; by it they are known among the processes of a machine."""


def python_command(*arguments: str) -> list[str]:
    """Return the command line that runs this Python with `arguments`, such as "-m", "sparselab".

    With -P: modules in the current folder are not imported, which may hold a stranger's files.

    Example: >>> python_command("-m", "sparselab")[1:]
             ['-P', '-m', 'sparselab']
    """
    return [sys.executable, "-P", *arguments]


def python_environment() -> dict[str, str]:
    """Return the environment for it: this process's, with the folder of this package first on the path, once."""
    root = str(PACKAGE_ROOT)
    others = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place not in ("", root)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, *others])}
