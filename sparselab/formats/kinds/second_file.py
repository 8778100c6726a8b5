"""Masks that lie in a file of their own."""

from __future__ import annotations

from dataclasses import replace

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive
from sparselab.formats.kinds.spelling import masked_path
from sparselab.formats.kinds.surroundings import Named
from sparselab.formats.names import clean_name


def with_masks(archive: Archive, masks: Archive, label: str) -> Archive:
    """Return an archive with the masks of a second file, in place of its own masks of the same weights.

    Of the second file, what is called a mask is taken; where nothing is, every tensor, because the file was given as masks.

    Raises: FileError when it holds no tensor.
    """
    given = [Named(entry) for entry in masks.entries]
    called = [tensor for tensor in given if tensor.is_mask or tensor.has_mask_name]
    taken = called or given
    if not taken:
        raise FileError(f"{label}: expected masks; got no tensor")
    if not masks.has_names:  # its name is the file's, and says nothing of the weight
        taken = [Named(replace(tensor.entry, name="mask")) for tensor in taken]
    paths = {masked_path(tensor.path) for tensor in taken}
    own = [Named(entry) for entry in archive.entries]
    replaced = [
        tensor for tensor in own if (tensor.is_mask or tensor.has_mask_name) and masked_path(tensor.path) in paths
    ]
    names = {tensor.entry.name for tensor in replaced}
    return replace(
        archive,
        entries=(
            *(entry for entry in archive.entries if entry.name not in names),
            *(replace(tensor.entry, role="mask") for tensor in taken),
        ),
        skipped=(
            *archive.skipped,
            *(
                Skipped(clean_name(name), f"a mask of the file itself: that of {label} is taken")
                for name in sorted(names)
            ),
        ),
        notes=(*archive.notes, f"masks are those of {label}"),
        has_names=True,
    )
