"""Which named tensors are layers: pruning pairs, masks, and weights with zeros."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sparselab.core.errors import FileError
from sparselab.core.ticket import FoundLayer, Skipped
from sparselab.formats.base import Archive, ArchiveEntry, check_count
from sparselab.formats.conversion import Plan, fits_kernel, load_layer
from sparselab.formats.names import clean_name, unique_names
from sparselab.formats.options import ReadLimits, ReadOptions

_PREFIXES = ("module.", "_orig_mod.")
_BUFFERS = ("bias", "position_ids", "relative_position_index")
_ENDINGS = {"_mask": "mask", ".mask": "mask", "_orig": "weight", "": "plain"}


@dataclass(frozen=True)
class Parts:
    """The tensors that make one layer: its weight, its mask, or both."""

    name: str
    weight: ArchiveEntry | None
    mask: ArchiveEntry | None

    @property
    def entries(self) -> list[ArchiveEntry]:
        return [entry for entry in (self.weight, self.mask) if entry is not None]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.entries[0].shape


def find_layers(
    archive: Archive, options: ReadOptions, limits: ReadLimits, *, has_shapes: bool
) -> tuple[tuple[FoundLayer, ...], tuple[Skipped, ...]]:
    """Return the layers of an archive as `find_parts` finds them, and what was left out with the reason."""
    parts, skipped = find_parts(archive, options, limits, has_shapes=has_shapes)
    return tuple(_found(each, plan) for each, plan in parts), skipped


def find_parts(
    archive: Archive, options: ReadOptions, limits: ReadLimits, *, has_shapes: bool
) -> tuple[tuple[tuple[Parts, Plan], ...], tuple[Skipped, ...]]:
    """Return the tensors of each layer and how they become a matrix, and what was left out with the reason.

    `X_orig` with `X_mask` is a pair of torch.nn.utils.prune; `X_mask`, `X.mask`, arrays of booleans and what the file
    calls masks are masks alone, unless a weight of the same name and shape stands beside them; every other tensor of
    two dimensions or more is a weight whose zeros are dropped.

    Raises: FileError for no layer at all, for too many, and for a pair whose shapes differ.
    """
    usable, skipped = _split(archive.entries)
    layers, doubled = _pair(usable)
    skipped = [*archive.skipped, *skipped, *doubled]
    check_count("layers", len(layers), limits.max_layers)
    if not layers:
        raise FileError(f"expected at least one weight of two or more dimensions; got {_listed(skipped)}")
    names = unique_names(parts.name for parts in layers)
    shapeless = [] if has_shapes else [parts.shape for parts in layers if len(parts.shape) == 2]
    # Beside convolutions a file may hold a classifier that is none; but an option that fits nothing is a mistake.
    some_fit = any(fits_kernel(shape, options) for shape in shapeless)
    found = []
    for parts, name in zip(layers, names, strict=True):
        has_options = parts.shape in shapeless and (fits_kernel(parts.shape, options) or not some_fit)
        source = " and ".join(clean_name(entry.name) for entry in parts.entries)
        plan = Plan.of(name, source, parts.shape, options if has_options else ReadOptions())
        found.append((parts, plan))
    return tuple(found), tuple(skipped)


def _found(parts: Parts, plan: Plan) -> FoundLayer:
    return FoundLayer(
        name=plan.name,
        tensor_shape=plan.tensor_shape,
        conversion=plan.conversion,
        load=lambda: load_layer(plan, parts.weight, parts.mask),
    )


def _split(entries: Iterable[ArchiveEntry]) -> tuple[list[ArchiveEntry], list[Skipped]]:
    usable, skipped = [], []
    for entry in entries:
        reason = _why_not(entry)
        if reason:
            skipped.append(Skipped(clean_name(entry.name), reason))
        else:
            usable.append(entry)
    return usable, skipped


def _why_not(entry: ArchiveEntry) -> str | None:
    if len(entry.shape) < 2:
        return "a scalar" if not entry.shape else "a vector"
    if entry.size == 0:
        return "no elements"
    if entry.dtype.kind != "f" and entry.role != "mask" and entry.name.endswith(_BUFFERS):
        return "a buffer, not a weight"
    return None


def _pair(entries: Sequence[ArchiveEntry]) -> tuple[list[Parts], list[Skipped]]:
    """Bring together what belongs to one name; what is there twice is left out."""
    roles: dict[str, dict[str, ArchiveEntry]] = {}
    skipped = []
    for entry in entries:
        base, role = _role(entry)
        there = roles.setdefault(base, {})
        if role in there:
            skipped.append(Skipped(clean_name(entry.name), "a second tensor of this name"))
        else:
            there[role] = entry
    layers = []
    for base, there in _join_module_masks(roles).items():
        if "weight" in there and (plain := there.pop("plain", None)) is not None:
            skipped.append(Skipped(clean_name(plain.name), f"the same weight as {clean_name(there['weight'].name)}"))
        layers += _assemble(base, there)
    return layers, skipped


def _assemble(base: str, there: dict[str, ArchiveEntry]) -> list[Parts]:
    weight, mask = there.get("weight") or there.get("plain"), there.get("mask")
    if weight is None or mask is None or weight.shape == mask.shape:
        return [Parts(base, weight, mask)]
    if "weight" in there:
        raise FileError(f"{clean_name(base)}: expected a mask of the weight's shape {weight.shape}; got {mask.shape}")
    return [Parts(base, weight, None), Parts(base, None, mask)]  # two things of one name, and no pair


def _role(entry: ArchiveEntry) -> tuple[str, str]:
    name = entry.name
    while prefix := next((p for p in _PREFIXES if name.startswith(p) and name != p), None):
        name = name.removeprefix(prefix)
    ending = next(end for end in _ENDINGS if name.endswith(end) and (name != end or not end))
    role = _ENDINGS[ending]
    if role == "plain" and (entry.role == "mask" or entry.dtype.kind == "b"):
        role = "mask"
    return name[: len(name) - len(ending)], role


def _join_module_masks(roles: dict[str, dict[str, ArchiveEntry]]) -> dict[str, dict[str, ArchiveEntry]]:
    """Give `conv.mask` to `conv.weight` when that is there, has its shape and no mask yet."""
    joined = {base: dict(there) for base, there in roles.items()}
    for base, there in roles.items():
        weight = joined.get(f"{base}.weight")
        if there.keys() != {"mask"} or weight is None or "mask" in weight:
            continue
        if any(entry.shape == there["mask"].shape for entry in weight.values()):
            weight["mask"] = there["mask"]
            del joined[base]
    return joined


def _listed(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "an empty file"
    some = "; ".join(f"{item.name} ({item.reason})" for item in skipped[:3])
    return some + (f" and {len(skipped) - 3} more" if len(skipped) > 3 else "")
