"""The Triton kernel compiled for real devices, without one: what the interpreter does not check."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.kernels.base import Conv, Work
from sparselab.kernels.triton_blocks.configs import Config, untuned
from sparselab.kernels.triton_blocks.launch import packed

triton = pytest.importorskip("triton")
pytestmark = pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="interpreted, not compiled")

POINTERS = {"x": "*{}", "weight": "*{}", "bias": "*{}", "y": "*{}", "taps": "*i32", "first": "*i32", "rows": "*i32"}
NAMES = {"float32": "fp32", "tf32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
MATRIX, SMALL, STRIDED = (None, (96, 64)), (Conv((3, 3), 1, 1), (2, 8, 14, 14)), (Conv((3, 3), 2, 1), (1, 8, 9, 9))
OPTIONS = ("num_warps", "num_stages", "enable_fp_fusion")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


def work_of(dtype: str, conv: Conv | None, shape: tuple[int, ...], *, twice: bool = False) -> Work:
    cols = shape[0] if conv is None else shape[1] * conv.kernel_shape[0] * conv.kernel_shape[1]
    blocks = [Block(np.arange(64), np.arange(0, cols, 2)), Block(np.arange(64, 100), np.arange(1, 40, 2))]
    blocks += [Block(np.arange(32, 96), np.arange(41, cols, 2))] if twice else []
    layout = Layout.from_blocks(Mask(np.zeros((100, cols), bool)), blocks, reason="")
    weight = np.ones((100, cols), np.float32)
    # Only CUDA has tf32; what is compiled differs in the constant alone.
    return Work(layout, weight, shape, np.ones(100), conv, "float32" if dtype == "tf32" else dtype)


def compiled(work: Work, config: Config, *, dtype: str, capability: int, number: int = 0) -> Any:
    """Compile a launch as `product[grid](...)` would: numbers that are 1 are constants, those 16 divides are marked."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from sparselab.kernels.triton_blocks.programs import product

    launch = packed(work, config).launches(work.input_shape)[number]
    constants = {of.name: launch.given[of.name] for of in product.params if of.is_constexpr}
    constants |= {"PRECISION": "tf32"} if dtype == "tf32" else {}
    options = {name: launch.given[name] for name in OPTIONS}
    signature, attributes = {}, {}
    for place, name in enumerate(product.arg_names):
        if name in constants:
            signature[name] = "constexpr"
        elif name in POINTERS or name == "offsets":
            signature[name] = POINTERS.get(name, "*i64" if constants["WIDE"] else "*i32").format(NAMES[dtype])
            attributes[(place,)] = [["tt.divisibility", 16]]
        else:
            value = launch.given[name]
            signature[name] = "constexpr" if value == 1 else "i32"
            constants |= {name: 1} if value == 1 else {}
            if value % 16 == 0:
                attributes[(place,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=product, signature=signature, constexprs=constants, attrs=attributes)
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize(
    ("dtype", "product", "arrangement"),
    [
        ("float16", MATRIX, "padded"),
        ("bfloat16", SMALL, "unrolled"),
        ("tf32", SMALL, "padded"),
        ("float16", STRIDED, "checked"),
        ("float32", STRIDED, "unrolled"),
    ],
)
def test_it_compiles(dtype: str, product: Any, arrangement: str, capability: int) -> None:
    config = Config(64, 64, 16, stages=4, arrangement=arrangement)
    code = compiled(work_of(dtype, *product), config, dtype=dtype, capability=capability)
    ptx = code.asm["ptx"]
    assert code.metadata.shared <= 227 * 1024
    tensor_cores = bool(re.search(r"wgmma\.mma_async|mma\.sync", ptx))
    assert tensor_cores == (dtype != "float32"), "float32 means float32: no tensor core rounds it"


def test_a_later_pass_compiles() -> None:
    work = work_of("float16", *MATRIX, twice=True)
    code = compiled(work, Config(32, 64, 32), dtype="float16", capability=90, number=1)
    assert "ld.global" in code.asm["ptx"]


@pytest.mark.parametrize(("product", "arrangement"), [(MATRIX, "padded"), (SMALL, "unrolled")])
def test_aligned_inputs_are_copied_asynchronously_in_16_bytes(product: Any, arrangement: str) -> None:
    """Otherwise the loop waits for every load, which no result shows."""
    config = Config(64, 64, 32, stages=4, arrangement=arrangement)
    ptx = compiled(work_of("float16", *product), config, dtype="float16", capability=90).asm["ptx"]
    lines = [line for line in ptx.splitlines() if "cp.async.c" in line]
    x_and_weight = 2 * 64 * 32 * 2 // 16 // (4 * 32)  # copies of 16 bytes a thread and stage
    assert len([line for line in lines if "0x10" in line]) >= x_and_weight


@pytest.mark.parametrize(
    ("program", "constants"),
    [
        (
            "arrange",
            {"COPIES": 3, "X_HEIGHT": 14, "X_WIDTH": 14, "HEIGHT": 16, "PITCH": 16, "STEP": 1, "BORDER": 1}
            | {"WIDE": False, "BLOCK": 1024},
        ),
        (
            "arrange",
            {"COPIES": 1, "X_HEIGHT": 9, "X_WIDTH": 11, "HEIGHT": 11, "PITCH": 13, "STEP": 1, "BORDER": 1}
            | {"WIDE": True, "BLOCK": 1024},
        ),
        ("transpose", {"WIDE": False, "BLOCK_ROWS": 64, "BLOCK_COLS": 64}),
        ("transpose", {"WIDE": True, "BLOCK_ROWS": 64, "BLOCK_COLS": 64}),
    ],
)
def test_arranging_compiles(program: str, constants: dict[str, Any]) -> None:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from sparselab.kernels.triton_blocks import programs

    arranges = getattr(programs, program)
    signature = {name: "constexpr" if name in constants else "i32" for name in arranges.arg_names}
    signature |= {"x": "*fp16", "out": "*fp16"}
    source = ASTSource(fn=arranges, signature=signature, constexprs=constants)
    code = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"enable_fp_fusion": True})
    assert "st.global" in code.asm["ptx"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("program", ["weight_gradient", "collect"])
def test_gradients_compile(program: str, dtype: str) -> None:
    """In the tiles of a step that nobody tuned; float32 means float32 in them too."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from sparselab.kernels.triton_blocks import gradient_programs

    compiled = getattr(gradient_programs, program)
    tile = untuned(32, 1000, dtype)
    tiles = {"BLOCK_M": tile.block_m, "BLOCK_N": tile.block_n, "BLOCK_K": tile.block_k}
    exact = "ieee" if dtype == "float32" else "tf32"
    constants: dict[str, Any] = {
        "WIDE": False,
        "PLAIN": False,
        "X_ALIGN": 8,
        "Y_ALIGN": 8,
        "PRECISION": exact,
        "UPCAST": False,
        "BLOCK": 256,
    } | tiles
    constants = {name: value for name, value in constants.items() if name in compiled.arg_names}
    numbers, results = f"*{NAMES[dtype]}", "*fp32" if program == "weight_gradient" else f"*{NAMES[dtype]}"
    pointers = {"x": numbers, "slope": numbers, "out": results, "parts": "*fp32"}
    pointers |= dict.fromkeys(("offsets", "owners", "rows", "first", "slots", "kernel_rows", "kernel_columns"), "*i32")
    signature = {name: "constexpr" if name in constants else pointers.get(name, "i32") for name in compiled.arg_names}
    source = ASTSource(fn=compiled, signature=signature, constexprs=constants)
    code = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"enable_fp_fusion": True})
    assert "st.global" in code.asm["ptx"]
    multiplies = bool(re.search(r"wgmma\.mma_async|mma\.sync", code.asm["ptx"]))
    assert multiplies == (program == "weight_gradient" and dtype != "float32")
