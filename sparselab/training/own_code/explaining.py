"""What went wrong in code of one's own, in one sentence with the line."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sparselab.core.errors import SettingError, SparselabError

_LONGEST = 300


@contextmanager
def explained(what: str, is_own: Callable[[str], bool], *, always: bool = True) -> Iterator[None]:
    """Turn an exception of the block into a SettingError that names the last line of one's own code on its way.

    Args: what: that which was asked to run. is_own: whether a file holds code of one's own. always: also where no such line is
        on the way; else the exception is left as it is.
    """
    try:
        yield
    except SparselabError:
        raise
    except (Exception, SystemExit) as error:
        place = _place(error, is_own)
        if not (place or always):
            raise
        said = " ".join(traceback.format_exception_only(error)[-1].split())[:_LONGEST]
        raise SettingError(f"expected {what} to run; {place or 'it'} raised {said}") from error


def _place(error: BaseException, is_own: Callable[[str], bool]) -> str:
    if isinstance(error, SyntaxError) and error.filename and is_own(error.filename):
        return f"line {error.lineno} of {Path(error.filename).name}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename)]
    return f"line {frames[-1].lineno} of {Path(frames[-1].filename).name}" if frames else ""
