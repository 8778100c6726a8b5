"""Packed weights that are not read: named for what they are, with the way out."""

from __future__ import annotations

from dataclasses import dataclass

from sparselab.formats.combiners.base import Combined, Named

_WAY_OUT = "load the model with what wrote it, dequantise it, and save that"


@dataclass(frozen=True)
class _PackedKind:
    """A packed weight is a tensor of whole numbers whose name ends in `main`, with `beside` (all of them) beside it."""

    title: str
    main: str
    beside: tuple[str, ...]
    more: tuple[str, ...] = ()


_KINDS = (
    _PackedKind("packed weights of GPTQ or AWQ", ".qweight", (".scales",), (".qzeros", ".g_idx")),
    _PackedKind("4-bit floats in blocks (MXFP4)", "_blocks", ("_scales",)),
    _PackedKind(
        "packed weights of bitsandbytes",
        "",
        (".absmax",),
        (
            ".quant_map",
            ".nested_absmax",
            ".nested_quant_map",
            ".quant_state.bitsandbytes__nf4",
            ".quant_state.bitsandbytes__fp4",
        ),
    ),
)


def leave_packed(entries: Named) -> Combined:
    """Leave the packed weights of every kind alone, and all that belongs to them."""
    found = Combined()
    for name, entry in entries.items():
        if entry.dtype.kind not in "iu":
            continue
        for kind in _KINDS:
            base = name.removesuffix(kind.main)
            if name.endswith(kind.main) and base and all(base + end in entries for end in kind.beside):
                parts = [base + end for end in (*kind.beside, *kind.more) if base + end in entries]
                found.leave(name, f"{kind.title}, which are not read: {_WAY_OUT}", parts)
    return found
