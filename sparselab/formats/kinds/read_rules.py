"""Weights that are read with a remark, known by their headers; and what is refused."""

from __future__ import annotations

from sparselab.formats.kinds.by_name import norm_partner
from sparselab.formats.kinds.rule import KindRule, registry
from sparselab.formats.kinds.surroundings import Named, Surroundings


def _direction(tensor: Named, file: Surroundings) -> str | None:
    return "" if norm_partner(tensor, file, "g") is not None else None


def _parametrised(tensor: Named, file: Surroundings) -> str | None:
    path = tensor.path
    if len(path) < 3 or path[-3] != "parametrizations" or path[-1] != "original":
        return None
    return None if any(path[:-1] == other.path[:-2] for other in file.by_module[tensor.module]) else ".".join(path[:-3])


def _integers(tensor: Named, file: Surroundings) -> str | None:
    return tensor.entry.dtype.name if tensor.kind in "iu" and tensor.entry.role != "mask" else None


READ_RULES = registry(
    (
        KindRule(
            name="norm-direction",
            title="Directions of weight normalisation",
            outcome="read",
            says="the directions v of weight normalisation: the weight is computed from g and v, and is 0 where v is",
            line="`weight_v` or `original1`; its lengths g are left alone.",
            catches=_direction,
        ),
        KindRule(
            name="bare-parametrisation",
            title="Weights before a parametrisation",
            outcome="read",
            says="the weight before its parametrisation, of which the file holds nothing: a mask may be missing",
            line="Such as torch.ao.pruning's, whose masks are not saved: call squash_mask() or remove_parametrizations first.",
            catches=_parametrised,
        ),
        KindRule(
            name="integers",
            title="Integer weights",
            outcome="read",
            says="whole numbers ({}), read as they are: 0 is a weight of 0",
            line="int8 and int16 without a zero point; other integers where they are 0 and 1.",
            catches=_integers,
        ),
    )
)
"""Remarks on weights that are read."""

REFUSAL_RULES = registry(
    (
        KindRule(
            name="nothing-left",
            title="A file without a layer",
            outcome="refused",
            says="expected at least one weight of two or more dimensions; got {}",
            line="Everything in it was left alone; --read-all reads it all the same.",
        ),
        KindRule(
            name="unknown-layer",
            title="An option for a layer that is not there",
            outcome="refused",
            says="expected a layer of this file for --axes or --conv-groups; got {}",
            line="`--axes NAME=...` and `--conv-groups NAME=...` take the names that `inspect` shows.",
        ),
        KindRule(
            name="unfit-axes",
            title="Axes that fit no tensor",
            outcome="refused",
            says="expected --axes for tensors of this file; got {}, and it holds none of so many",
            line="`--axes HWIO` is for tensors of four axes, `--axes IO` for those of two.",
        ),
    )
)
"""What a whole file is refused for, besides what its reader says."""
