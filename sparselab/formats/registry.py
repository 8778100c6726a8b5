"""Every format that is read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.formats.archive import Format
from sparselab.formats.npy import FORMAT as NPY
from sparselab.formats.npz import FORMAT as NPZ
from sparselab.formats.safetensors_file import FORMAT as SAFETENSORS
from sparselab.formats.smtx import FORMAT as SMTX
from sparselab.formats.torch_file import FORMAT as TORCH

FORMATS: Mapping[str, Format] = MappingProxyType({kind.name: kind for kind in (SAFETENSORS, NPZ, NPY, TORCH, SMTX)})
"""Format names to formats, in the order in which a file is tried."""
