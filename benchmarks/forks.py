"""What a limited process does, in a fork of one that has loaded everything: what is measured is the task's alone."""

from __future__ import annotations

import os
import resource
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparselab.core import errors
from sparselab.core.errors import LimitError, SparselabError
from sparselab.runtime import messages
from sparselab.runtime.limiting import limited
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import SILENT, Monitor


def forked(
    function: Callable[..., Any],
    *args: Any,
    limits: Limits,
    imports: tuple[str, ...] = (),
    monitor: Monitor = SILENT,
    **kwargs: Any,
) -> Any:
    """Do as `run_isolated`, in a fork: what a process loads before it is asked is loaded here."""

    def answer() -> dict[str, Any]:
        try:
            with limited(limits):
                return {"value": function(*args, monitor=Monitor(), **kwargs)}
        except SparselabError as error:
            return {"error": type(error).__name__, "text": str(error)}
        except MemoryError:
            return {"error": "LimitError", "text": "this needs more memory than it may use"}

    told, _ = in_fork(answer)
    if told is None:
        raise LimitError("stopped after its limit")
    if "fault" in told:
        raise RuntimeError(told["fault"])
    if "error" in told:
        raise getattr(errors, told["error"])(told["text"])
    return told["value"]


def in_fork(answer: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any] | None, resource.struct_rusage]:
    """Return what a fork of this process answers, None where it died, and what it took; any other error is its "fault"."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            try:
                told = answer()
            except BaseException as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                told = {"fault": f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {error}"[:300]}
            with os.fdopen(writer, "wb") as stream:
                stream.write(messages.dump(told))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        content = stream.read()
    _, _, used = os.wait4(child, 0)
    return (messages.load(content) if content else None), used
