"""A result written back into the file it was made of: new masks in the file's own form, everything else as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from sparselab.core.atomic_files import DAY_SECONDS, atomic_folder, atomic_path, sweep
from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive
from sparselab.formats.combiners import combine
from sparselab.formats.detect import recognise
from sparselab.formats.kinds.finding import find_parts
from sparselab.formats.kinds.parts import LayerParts
from sparselab.formats.options import DEFAULT_LIMITS, DEFAULT_OPTIONS, ReadLimits, ReadOptions
from sparselab.formats.reading import add_masks
from sparselab.formats.ticket_file import is_own, open_own
from sparselab.formats.writing.forms import FORMS, Form
from sparselab.formats.writing.own_layers import plan_own
from sparselab.formats.writing.plan import plan_changes
from sparselab.formats.writing.recipe import recipe_for
from sparselab.formats.writing.registry import REWRITERS, WRITERS
from sparselab.formats.writing.target import FOLDER, check_target, written_as

_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """What was written: where, in which format, remarks for the reader, and by layer how many weights come back as 0.

    `recipe` are the lines of Python that load it into a model of PyTorch.
    """

    path: Path
    format: str
    recipe: str
    notes: tuple[str, ...] = ()
    zeros: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def write_back(
    source: str | Path,
    layouts: Mapping[str, Layout],
    out: str | Path,
    *,
    options: ReadOptions = DEFAULT_OPTIONS,
    limits: ReadLimits = DEFAULT_LIMITS,
    form: Form = "own",
    format: str | None = None,
    overwrite: bool = False,
) -> WrittenFile:
    """Write `source` with the masks of `layouts`, by layer: all other tensors, names and number types are as in the file.

    An `out` with a suffix of the same format is the same kind of file: prefixes such as "module." stay, a pair of
    torch.nn.utils.prune stays a pair, a mask keeps its type and its values, weights that were 0 where dropped are so again, a
    folder keeps its shards. Another suffix (.npz, .safetensors, .pt) puts the tensors, under their names, into such a file.
    `format`, a name in FORMATS, says it where `out` has no such suffix. `form`: "own" for this; "pairs" turns every layer with weights into X_orig and X_mask, "zeros" into weights with zeros.

    A weight that comes back has the value that the file has under its mask, in sparselab's own files that of the rewind step,
    else 0: `zeros` counts those. Among weights with zeros they look like dropped ones: "pairs" keeps the mask apart.
    The file appears whole or not at all.

    Raises: SettingError for layouts that do not fit, an `out` of no known suffix, or one that exists unless `overwrite`;
        FileError for what cannot be read, or has no place in such a file.
    Example: >>> import tempfile
             >>> folder = Path(tempfile.mkdtemp())
             >>> np.savez(folder / "net.npz", **{"module.fc.weight": np.eye(4) / 2, "module.fc.bias": np.ones(4)})
             >>> written = write_back(folder / "net.npz", {}, folder / "new.npz")
             >>> list(np.load(written.path)), written.format
             (['module.fc.weight', 'module.fc.bias'], 'npz')
    """
    source, out = Path(source), Path(out)
    if form not in FORMS:
        raise SettingError(f"form: expected one of {', '.join(FORMS)}; got {form!r}")
    kind = recognise(source)
    format = check_target(kind.name, out, overwrite=overwrite, format=format)
    archive = kind.open(source, limits)
    rewrite = REWRITERS.get(format) if format == written_as(kind.name) else None
    own = is_own(archive)
    if own:
        rewrite = rewrite if form == "own" else None
        plan = plan_own({item.name: item for item in open_own(archive, limits)[0]}, layouts, form)
    else:
        _check_packed(archive, layouts, options, limits)
        joined = add_masks(source, archive, options, limits)
        found = find_parts(joined, options, limits, has_shapes=kind.has_shapes)[0]
        plan = plan_changes(archive, found, layouts, form)
        if rewrite is None or form == "pairs":
            plan = replace(plan, notes=(*plan.notes, *_axes_notes(found)))
    sweep(out.parent, older_than=DAY_SECONDS)
    with atomic_folder(out) if format == FOLDER else atomic_path(out) as temporary:
        notes = None if rewrite is None else rewrite(source, plan.changes, temporary, limits)
        if notes is None:
            WRITERS[format](plan.tensors, temporary)
            notes = _left_out(archive.skipped)
    recipe = recipe_for(
        "" if own and rewrite else format, str(out), masks=any(entry.role == "mask" for entry in archive.entries)
    )
    return WrittenFile(
        path=out, format=format, recipe=recipe, notes=(*plan.notes, *notes), zeros=MappingProxyType(dict(plan.zeros))
    )


def _check_packed(archive: Archive, layouts: Mapping[str, Layout], options: ReadOptions, limits: ReadLimits) -> None:
    """Raises: SettingError for the layout of a weight that several tensors of the file make: they are not packed again."""
    combined = combine(archive)
    made = {entry.name for entry in combined.entries} - {entry.name for entry in archive.entries}
    if not made:
        return
    found = find_parts(combined, replace(options, read_all=True), limits, has_shapes=True)[0]
    packed = [each.name for each in found if each.name in layouts and made & {entry.name for entry in each.entries}]
    if packed:
        more = f" and {len(packed) - 1} more" if len(packed) > 1 else ""
        raise SettingError(
            f"expected layers that lie in the file as they are; {packed[0]}{more} is packed in several tensors, which are not packed "
            "again: save the model unpacked with what wrote it, and open that"
        )


def _axes_notes(found: Sequence[LayerParts]) -> tuple[str, ...]:
    """What a file of another kind no longer says: axes that are not PyTorch's."""
    moved = [f"--axes {parts.name}={parts.axes}" for parts in found if parts.order != tuple(range(len(parts.axes)))]
    if not moved:
        return ()
    more = f" and {len(moved) - _NAMED} more" if len(moved) > _NAMED else ""
    return (f"the axes are those of the old file; to read the new one, say {' '.join(moved[:_NAMED])}{more}",)


def _left_out(skipped: Sequence[Skipped]) -> tuple[str, ...]:
    names = [item.name for item in skipped]
    if not names:
        return ()
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (f"left out, because it was not read: {', '.join(names[:_NAMED])}{more}",)
