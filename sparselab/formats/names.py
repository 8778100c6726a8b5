"""Names from a file, made fit to be shown: what `core.names` has, where every reader looks for it."""

from sparselab.core.names import MAX_LENGTH, clean_name, unique_names

__all__ = ["MAX_LENGTH", "clean_name", "unique_names"]
