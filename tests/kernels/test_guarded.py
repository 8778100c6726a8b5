"""The C kernels touch nothing beside what it is given, for any geometry."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sparselab.kernels.native.compiler import compiler_unsupported_reason
from tests.kernels.amx.emulated import emulation_unsupported_reason


@pytest.mark.skipif(sys.platform == "win32", reason="forbids pages by mprotect")
@pytest.mark.parametrize(
    ("name", "layers"),
    [("blocks", 300), ("gradients", 60), ("sparse", 240), ("single", 100), ("few", 60), ("amx", 60)],
)
def test_no_address_beside_its_arrays(name: str, layers: int) -> None:
    if name == "amx" and (reason := emulation_unsupported_reason()):
        pytest.skip(reason)
    assert not compiler_unsupported_reason()
    command = [sys.executable, "-m", "tests.kernels.guarded", name, str(layers)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"ended with {done.returncode} (a signal where negative): {done.stderr[-2000:]}"


@pytest.mark.skipif(sys.platform == "win32", reason="forbids pages by mprotect")
def test_the_guards_do_end_a_program() -> None:
    code = (
        "import torch; from tests.kernels.guarded import guarded\n"
        "x = guarded(torch.zeros(3), at_end=True)\n"
        "import ctypes; print(ctypes.c_float.from_address(x.data_ptr() + 12).value)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode < 0
