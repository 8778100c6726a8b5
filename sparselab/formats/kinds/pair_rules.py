"""The rules by which masks and weights are brought together; `pairing` applies them."""

from __future__ import annotations

from sparselab.formats.kinds.rule import KindRule, registry

PAIR_RULES = registry(
    (
        KindRule(
            name="by-suffix",
            title="A mask under another name",
            outcome="read",
            says="its mask is {}: the one of its shape under the same name, but for what wraps it",
            line="After exact names: wrappers (`_orig_mod`, `module`, parametrisations), a prefix on one side, `mask` before or after.",
        ),
        KindRule(
            name="in-order",
            title="A list of masks",
            outcome="read",
            says="its mask is {}: the masks of the list fit the weights of the file in one way, in order",
            line="Masks without names, in the order of the layers; each must fit by shape, and no second way may.",
        ),
        KindRule(
            name="channel-mask",
            title="Flat masks and masks of channels",
            outcome="read",
            says="its mask {} was spread over the weight",
            line="A mask as a matrix of a convolution, or one number an output or input (16x1x1x1, or a vector among masks).",
        ),
        KindRule(
            name="ambiguous",
            title="A mask that fits two weights",
            outcome="read",
            says="a mask alone: it fits {}, and no name says which",
            line="Two candidates of one suffix and shape pair nothing. Rename the mask after its weight.",
        ),
        KindRule(
            name="rival-masks",
            title="Two masks that fit one weight",
            outcome="read",
            says="read without a mask: {} fit it and differ",
            line="Equal masks count as one.",
        ),
        KindRule(
            name="same-mask",
            title="The same mask again",
            outcome="left alone",
            says="the same mask as {}",
            line="Another spelling of a mask that is read.",
        ),
        KindRule(
            name="lookalike",
            title="A mask alone beside a weight of its shape",
            outcome="read",
            says="a mask alone, because no name says that it is of {}, which alone has its shape",
            line="Rename it after its weight, or give it with --mask.",
        ),
        KindRule(
            name="wrong-shape",
            title="A mask of the wrong shape",
            outcome="left alone",
            says="a mask of {}: the weight is read without it",
            line="The name is the weight's, the shape is not, nor can it be spread over it.",
        ),
        KindRule(
            name="same-weight",
            title="The same weight again",
            outcome="left alone",
            says="the same weight as {}",
            line="`X` beside `X_orig`.",
        ),
        KindRule(
            name="doubled",
            title="A name that comes twice",
            outcome="left alone",
            says="a second tensor of this name",
            line="Names that differ in a wrapper alone.",
        ),
    )
)
"""What pairing says, by name."""
