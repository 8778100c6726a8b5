"""Which named tensors are layers: what is left alone, what belongs together, and how it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sparselab.core.errors import FileError, SettingError
from sparselab.core.ticket import FoundLayer, Skipped
from sparselab.formats.base import Archive, check_count
from sparselab.formats.kinds.axes import axes_of
from sparselab.formats.kinds.by_name import SHAPE_RULES
from sparselab.formats.kinds.exact import Found, entries_of
from sparselab.formats.kinds.groups import Convolutions, groups_of
from sparselab.formats.kinds.integers import INTEGER_RULES
from sparselab.formats.kinds.loading import load_layer, load_mask, load_stored, survey_by
from sparselab.formats.kinds.pairing import pair
from sparselab.formats.kinds.parts import NATIVE, LayerParts, times
from sparselab.formats.kinds.read_rules import READ_RULES, REFUSAL_RULES
from sparselab.formats.kinds.rule import first_said
from sparselab.formats.kinds.rules import NOT_LAYERS
from sparselab.formats.kinds.surroundings import Named, Surroundings
from sparselab.formats.merging import grouped, listed
from sparselab.formats.names import clean_name, unique_names
from sparselab.formats.options import ReadLimits, ReadOptions

Remains = tuple[tuple[LayerParts, ...], tuple[Skipped, ...], tuple[str, ...]]


def find_layers(
    archive: Archive, options: ReadOptions, limits: ReadLimits, *, has_shapes: bool
) -> tuple[tuple[FoundLayer, ...], tuple[Skipped, ...], tuple[str, ...]]:
    """Return the layers of an archive, what was left out with the reason, and remarks on the file: `find_parts`, ready to load.

    Raises: what `find_parts` does.
    """
    parts, skipped, notes = find_parts(archive, options, limits, has_shapes=has_shapes)
    return tuple(map(found_layer, parts)), skipped, notes


def found_layer(parts: LayerParts) -> FoundLayer:
    """Return a layer of which only the headers were read."""
    return FoundLayer(
        name=parts.name,
        tensor_shape=parts.tensor_shape,
        conversion=parts.source,
        load=partial(load_layer, parts),
        load_mask=partial(load_mask, parts),
        survey=survey_by(parts),
        load_stored=partial(load_stored, parts),
        groups=parts.groups,
        notes=parts.notes,
        has_weight={"pair": True, "mask alone": False}.get(parts.form),
    )


def find_parts(archive: Archive, options: ReadOptions, limits: ReadLimits, *, has_shapes: bool) -> Remains:
    """Return the tensors of an archive that make layers, what was left out with the reason, and remarks on the file.

    `sparselab.formats.kinds.rules` says which rules decide; docs/file-kinds.md lists them. Only headers are read, but for tensors
    whose name or shape makes them suspicious. `has_shapes`: see `Format`.

    Raises: FileError for no layer at all, for too many, and for options that fit no layer of the file.
    """
    tensors = [Named(entry) for entry in archive.entries]
    file = Surroundings(tensors, has_shapes=has_shapes, has_names=archive.has_names)
    usable, skipped = _split(tensors, file, options)
    layers, left = pair(usable, file)
    skipped = [*archive.skipped, *skipped, *left]
    check_count("layers", len(layers), limits.max_layers)
    if not layers:
        way_out = (
            "" if options.read_all or len(skipped) == len(archive.skipped) else ": --read-all reads what was left alone"
        )
        raise FileError(REFUSAL_RULES["nothing-left"].text(_listed(skipped) + way_out))
    names = unique_names(found.base for found in layers)
    unknown = [name for name in options.named_layers() if name not in names]
    if unknown:
        raise FileError(
            REFUSAL_RULES["unknown-layer"].text(f"{clean_name(unknown[0])}: it holds {', '.join(names[:5])}")
        )
    ranks = {len(entries_of(found)[0].shape) for found in layers}
    if unfit := [axes for axes in options.axes if "=" not in axes and len(axes) not in ranks]:
        raise FileError(REFUSAL_RULES["unfit-axes"].text(f"{unfit[0]}, of {len(unfit[0])} axes"))
    kernels = _flat_kernels(layers, options, has_shapes)
    parts = [
        _parts(found, name, options, file, kernel) for found, name, kernel in zip(layers, names, kernels, strict=True)
    ]
    return _with_groups(parts, options), tuple(skipped), ()


def _split(tensors: Sequence[Named], file: Surroundings, options: ReadOptions) -> tuple[list[Named], list[Skipped]]:
    usable, skipped = [], []
    for tensor in tensors:
        reason = _why_not(tensor, file, options)
        if reason is None:
            usable.append(tensor)
        else:
            skipped.append(Skipped(clean_name(tensor.entry.name), reason))
    return usable, skipped


def _why_not(tensor: Named, file: Surroundings, options: ReadOptions) -> str | None:
    by_shape = first_said(SHAPE_RULES, tensor, file)
    if by_shape is not None:
        is_channel_mask = len(tensor.shape) == 1 and tensor.entry.size and tensor.entry.role == "mask"
        return None if is_channel_mask else by_shape
    if options.read_all:
        return None
    if not file.has_names:  # somebody gave one array, and means it, if it is no packed one
        return INTEGER_RULES["whole-numbers"](tensor, file)
    return next((said for rules in NOT_LAYERS if (said := first_said(rules, tensor, file)) is not None), None)


def _flat_kernels(layers: Sequence[Found], options: ReadOptions, has_shapes: bool) -> list[bool]:
    """Return for each layer whether it is a convolution that lies flat in a file without shapes, as the options say.

    Beside convolutions a file may hold a classifier that is none; but an option that fits nothing is a mistake.
    """
    shapes = [entries_of(found)[0].shape for found in layers]
    flat = [not has_shapes and len(shape) == 2 for shape in shapes]
    if options.kernel_shape is None:
        if options.column_order != NATIVE and any(flat):
            raise SettingError(f"kernel_shape: expected one with the column order {options.column_order}; got none")
        return [False] * len(shapes)
    area = 1
    for size in options.kernel_shape:
        area *= size
    fits = [is_flat and shape[1] % area == 0 for is_flat, shape in zip(flat, shapes, strict=True)]
    if any(flat) and not any(fits):
        at = flat.index(True)
        raise FileError(
            f"{clean_name(layers[at].base)}: expected a multiple of {area} columns for a kernel of "
            f"{times(options.kernel_shape)}; got {shapes[at][1]}"
        )
    return fits


def _parts(found: Found, name: str, options: ReadOptions, file: Surroundings, is_flat: bool) -> LayerParts:
    tensor = found.weight or found.mask
    assert tensor is not None
    axes, axes_notes = axes_of(tensor, file, options, name)
    weight, mask = (None if part is None else part.entry for part in (found.weight, found.mask))
    geometry = next((entry.geometry for entry in entries_of(found) if entry.geometry is not None), None)
    remarks = [rule(found.weight, file) for rule in READ_RULES.values()] if found.weight is not None else []
    return LayerParts(
        name=name,
        base=found.base,
        weight=weight,
        mask=mask,
        axes=axes,
        stride=1 if geometry is None else geometry.stride,
        padding=0 if geometry is None else geometry.padding,
        kernel_shape=options.kernel_shape if is_flat else None,
        column_order=options.column_order if is_flat else NATIVE,
        threshold=options.threshold,
        notes=(*found.notes, *axes_notes, *(remark for remark in remarks if remark is not None)),
    )


def _with_groups(layers: Sequence[LayerParts], options: ReadOptions) -> tuple[LayerParts, ...]:
    convolutions = Convolutions.of(layers)
    found = []
    for parts in layers:
        groups, notes = groups_of(parts, convolutions, options)
        if notes or groups != parts.groups:
            parts = replace(parts, groups=groups, notes=(*parts.notes, *notes))
        found.append(parts)
    return tuple(found)


def _listed(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "an empty file"
    said = grouped((item.name, item.reason) for item in skipped)
    some = "; ".join(f"{listed(names)} ({reason})" for reason, names in said[:3])
    left = sum(len(names) for _, names in said[3:])
    return some + (f" and {left} more" if left else "")
