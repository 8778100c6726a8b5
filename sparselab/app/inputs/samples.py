"""The sample masks that come with the app, and what to look for in each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sparselab.core.data_files import SAMPLE_MASKS

SAMPLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "vgg-digits-imp-80": (
            "Lottery ticket, 80 % sparse",
            "A small VGG pruned by IMP on noisy digits. Rows of real tickets have few columns in common: compare with rows grouped in random order (under More).",
        ),
        "vgg-digits-imp-60": (
            "Lottery ticket, 60 % sparse",
            "The same network three levels earlier: so dense that few weights are lost to blocks.",
        ),
        "vgg-digits-imp-90": (
            "Lottery ticket, 90 % sparse",
            "The same network three levels later. Its widest layer has the clearest structure: features.15.",
        ),
        "planted": (
            "Planted blocks",
            "16 groups of 32 rows, each with its own columns, in random order: it looks like noise, and Regroup finds every block at 32 rows per group.",
        ),
        "planted-noisy": (
            "Planted blocks, 2 % moved",
            "The same with 2 % of the kept weights moved at random: Regroup keeps 98 %.",
        ),
        "random": (
            "Random mask (control)",
            "As dense as the planted sample, without structure: shows how many weights are kept by chance alone.",
        ),
    }
)


FIRST = "planted-noisy"
"""What a newcomer sees, whose address names nothing: the picture that needs least to be understood."""


def sample_path(name: str) -> Path:
    """Return the file of a sample."""
    return SAMPLE_MASKS / f"{name}.npz"


def available() -> list[str]:
    """Return the samples whose files are here, in the order in which they are shown."""
    return [name for name in SAMPLES if sample_path(name).is_file()]
