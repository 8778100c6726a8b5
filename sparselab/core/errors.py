"""What can go wrong, by whose hand it can be mended.

    SparselabError (a ValueError)      everything a face catches: one sentence, "expected X; got Y"
    |- SettingError                    a setting out of its range, or two that exclude each other
    |- FileError                       a file that cannot be read, or must not be
    |- UnavailableError                an optional library or a device that is not here
    |- LimitError                      a worker ran past its memory, processor time or wall time
    `- Cancelled                       somebody asked to stop, and nothing partial was worth keeping

Anything else that escapes is a defect of ours.
"""


class SparselabError(ValueError):
    """A mistake the caller can mend. Its text says what was expected, what came, and how to mend it."""


class SettingError(SparselabError):
    """A setting is out of range, unknown, or excludes another."""


class FileError(SparselabError):
    """A file is not what it says, is damaged, or asks for more than it may have."""


class UnavailableError(SparselabError):
    """An optional library or a device is not here."""


class LimitError(SparselabError):
    """A worker process went past one of its limits and was ended."""


class Cancelled(SparselabError):
    """The work was cancelled before there was anything to keep."""
