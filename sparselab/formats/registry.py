"""Every format that is read."""

from __future__ import annotations

from sparselab.core.plugins import Registry
from sparselab.formats.base import Format, check_format
from sparselab.formats.readers.blocks import FORMAT as BLOCKS
from sparselab.formats.readers.flax import FORMAT as FLAX
from sparselab.formats.readers.gguf import FORMAT as GGUF
from sparselab.formats.readers.hdf5 import FORMAT as HDF5
from sparselab.formats.readers.matrix_market import FORMAT as MATRIX_MARKET
from sparselab.formats.readers.model_folder import FORMAT as MODEL_FOLDER
from sparselab.formats.readers.npy import FORMAT as NPY
from sparselab.formats.readers.npz import FORMAT as NPZ
from sparselab.formats.readers.onnx import FORMAT as ONNX
from sparselab.formats.readers.png import FORMAT as PNG
from sparselab.formats.readers.safetensors import FORMAT as SAFETENSORS
from sparselab.formats.readers.smtx import FORMAT as SMTX
from sparselab.formats.readers.torch import FORMAT as TORCH
from sparselab.formats.readers.torch_export import FORMAT as TORCH_EXPORT
from sparselab.formats.readers.torch_legacy import FORMAT as TORCH_LEGACY

FORMATS: Registry[Format] = Registry(
    "formats",
    {
        kind.name: kind
        for kind in (
            *(SAFETENSORS, MODEL_FOLDER, NPZ, NPY, TORCH, TORCH_EXPORT, TORCH_LEGACY, SMTX, BLOCKS, MATRIX_MARKET),
            *(HDF5, PNG, GGUF, ONNX, FLAX),
        )
    },
    check_format,
)
"""Format names to formats, in the order in which a file is tried."""
