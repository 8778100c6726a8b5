"""The code for the matrix unit AMX where there is none: its tiles in plain C, everything else as it is."""

from __future__ import annotations

import ctypes
import platform
import tempfile
from functools import cache
from pathlib import Path

from sparselab.kernels.native import compiler
from sparselab.kernels.native.amx.product import amx_unsupported_reason

HEADER = Path(__file__).with_name("emulated_tiles.h")


def emulation_unsupported_reason() -> str:
    """Return why the code cannot run here, emulated tiles or not; "" where it can. Everything but the tiles needs AVX-512."""
    if reason := compiler.compiler_unsupported_reason():
        return reason
    described = Path("/proc/cpuinfo")
    has_half = described.is_file() and "avx512_bf16" in described.read_text()
    return "" if has_half else f"expected a processor with AVX-512 and bfloat16; got {platform.processor()}"


@cache
def amx_code() -> ctypes.CDLL:
    """Return the library: the real one where the unit is there and may be used, else one with emulated tiles."""
    if not amx_unsupported_reason():
        return compiler.library()
    program = compiler.compiler()
    assert program
    with tempfile.TemporaryDirectory() as folder:
        linked = Path(folder) / "amx.so"
        output = str(linked.with_suffix(".o"))
        source = str(compiler._FOLDER / "amx" / "amx.c")
        compiler._call([program, *compiler._flags(), f'-DEMULATED_TILES="{HEADER}"', "-c", source, "-o", output])
        compiler._call([program, "-shared", output, "-o", str(linked)])
        code = ctypes.CDLL(str(linked))
    code.amx_run.restype, code.amx_run.argtypes = compiler._FUNCTIONS["amx_run"]
    return code
