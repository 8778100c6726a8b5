"""What a structure has to beat besides the dense product and the exact one: one file each, listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.benchmarking.opponents.base import DenseOpponent
from sparselab.benchmarking.opponents.bfloat16 import DenseBfloat16
from sparselab.benchmarking.opponents.compiled import DenseCompiled
from sparselab.benchmarking.opponents.int8 import DenseInt8
from sparselab.benchmarking.opponents.onnx_runtime import DenseOnnxRuntime

OPPONENTS: Mapping[str, DenseOpponent] = MappingProxyType(
    {
        "dense-bfloat16": DenseBfloat16(),
        "dense-int8": DenseInt8(),
        "dense-onnxruntime": DenseOnnxRuntime(),
        "dense-compiled": DenseCompiled(),
    }
)
"""By the names that stored sessions hold."""

USUAL_OPPONENTS = tuple(name for name, opponent in OPPONENTS.items() if opponent.is_usual)
"""Names of those that are timed without being asked for."""

__all__ = ["OPPONENTS", "USUAL_OPPONENTS", "DenseOpponent"]
