"""Our C code, compiled for this very processor by its own compiler, once; kept in the user's cache folder.

Our own few lines and not torch.utils.cpp_extension, which needs a C++ compiler, ninja and Python's headers where a C compiler
will do; nor a wheel built beforehand, which cannot be for this very processor.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, sweep
from sparselab.core.errors import FileError, UnavailableError
from sparselab.core.paths import cache_folder, check_private

_FOLDER = Path(__file__).resolve().parent
_SOURCES = ("amx/amx.c", "blocks.c", "few.c", "gradients.c", "single.c", "sparse.c")
_HEADERS = ("amx/half.h", "amx/lines.h", "amx/tiles.h", "panels.h", "positions.h")
"""One library holds them all: they share what they include, and are compiled, checked and kept as one."""

_NUMBER, _ADDRESS = ctypes.c_int64, ctypes.c_void_p
_CONSTANTS = (
    *("blocks_tile", "blocks_ahead", "blocks_most_tiles", "blocks_few", "gradients_slab", "gradients_lanes"),
    *("sparse_lanes", "sparse_vectors", "sparse_unit", "sparse_most_tiles", "sparse_single_step"),
    *("sparse_window", "sparse_in_window", "sparse_permutes"),
)
_FUNCTIONS: dict[str, tuple[type[ctypes.c_int64] | None, list[type[ctypes.c_int64] | type[ctypes.c_void_p]]]] = {
    **{name: (_NUMBER, []) for name in _CONSTANTS},
    "blocks_run": (None, [*[_ADDRESS] * 4, _NUMBER, *[_ADDRESS] * 4]),
    "blocks_run_few": (None, [*[_ADDRESS] * 7, _NUMBER]),
    "blocks_pack_values": (None, [*[_ADDRESS] * 3, _NUMBER]),
    "blocks_take_sums": (None, [_ADDRESS] * 4),
    "blocks_input_gradient": (None, [*[_ADDRESS] * 4, _NUMBER, *[_ADDRESS] * 5]),
    "blocks_weight_gradient": (None, [*[_ADDRESS] * 5, _NUMBER, *[_ADDRESS] * 5]),
    "sparse_run": (None, [*[_ADDRESS] * 4, _NUMBER, *[_ADDRESS] * 3, _NUMBER]),
    "sparse_run_single": (None, [*[_ADDRESS] * 7, _NUMBER]),
    "sparse_run_windows": (None, [_ADDRESS] * 7),
    "amx_permission": (_NUMBER, []),
    "amx_run": (None, [_ADDRESS] * 9),
}
"""What each function returns and takes."""
_NOT_EVERYWHERE = ("amx_run",)
"""Functions that are there only where the processor has a unit for them."""
_NAME = "kernels"
_COMPILERS = ("cc", "gcc", "clang")
_SECONDS = 120


def compiler() -> str | None:
    """Return the path of a C compiler: $CC, or the first of cc, gcc and clang; None without one."""
    named = os.environ.get("CC")
    names = (named, *_COMPILERS) if named else _COMPILERS
    return next((found for name in names if (found := shutil.which(name))), None)


def compiler_unsupported_reason() -> str:
    """Return why the C kernel cannot be had here; "" when it can. Compiles it at the first call."""
    try:
        library()
    except UnavailableError as error:
        return str(error)
    return ""


@cache
def library() -> ctypes.CDLL:
    """Return the compiled code, loaded.

    It calls OpenMP without bringing one: the symbols are those of the OpenMP that torch has loaded, so that both share one
    pool of threads and `torch.set_num_threads` holds for both. Two pools would fight for the cores.

    Raises: UnavailableError where there is no compiler, the compiler fails, or torch runs without OpenMP.
    """
    import torch

    if not torch.backends.openmp.is_available():  # type: ignore[no-untyped-call]
        raise UnavailableError("expected a torch built with OpenMP; this one has none")
    path = _built()
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise UnavailableError(f"expected the compiled kernel to load; {error}") from None
    for name, (result, arguments) in _FUNCTIONS.items():
        if name not in _NOT_EVERYWHERE or hasattr(loaded, name):
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    return loaded


def _built() -> Path:
    program = compiler()
    if program is None:
        raise UnavailableError("expected a C compiler (cc, gcc or clang); there is none here: install one, or set CC")
    flags = _flags()
    sources = [(_FOLDER / name).read_bytes() for name in (*_SOURCES, *_HEADERS)]
    # Another processor under the same home folder needs other code: its name and features are part of the key.
    told = "\0".join([_version(program), *flags, platform.machine(), _processor()])
    key = _digest(b"\0".join([told.encode(), *sources]))
    cache_dir = cache_folder("compiled")
    try:
        cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_private(cache_dir)
        if kept := _kept(cache_dir, key):
            return kept
        sweep(cache_dir, older_than=DAY_SECONDS)
        with tempfile.TemporaryDirectory() as folder:
            code = _compile(program, flags, Path(folder)).read_bytes()
        path = cache_dir / f"{_NAME}-{key}-{_digest(code)}.so"
        with atomic_path(path) as temporary:
            temporary.write_bytes(code)
    except FileError as error:
        raise UnavailableError(str(error)) from None
    except OSError as error:
        raise UnavailableError(f"expected a cache folder that can be written; {cache_dir}: {error.strerror}") from None
    return path


def _kept(cache_dir: Path, key: str) -> Path | None:
    """Return the file compiled before, if its bytes are those it is named after: loading one cut short ends the process."""
    files = sorted(cache_dir.glob(f"{_NAME}-{key}-*.so"))
    return next((path for path in files if path.stem.endswith(_digest(path.read_bytes()))), None)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _compile(program: str, flags: list[str], folder: Path) -> Path:
    """Compile and link in a folder; return the file."""
    linked = folder / f"{_NAME}.so"
    unlinked = {name: str(folder / Path(name).with_suffix(".o").name) for name in _SOURCES}
    for name, output in unlinked.items():
        _call([program, *flags, "-c", str(_FOLDER / name), "-o", output])
    # Linked without -fopenmp, so that no second OpenMP comes along.
    _call([program, "-shared", *unlinked.values(), "-o", str(linked)])
    return linked


def _flags() -> list[str]:
    native = "-mcpu=native" if platform.machine().lower() in ("aarch64", "arm64") else "-march=native"
    return ["-O3", native, "-ffp-contract=fast", "-fopenmp", "-fPIC"]


def _call(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603 - our own text
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"expected {command[0]} to compile within {_SECONDS} s; it did not") from None
    except OSError as error:
        raise UnavailableError(f"expected {command[0]} to run; {error.strerror}") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["nothing"]
        said = next((line for line in lines if "error" in line), lines[0])
        raise UnavailableError(f"expected {command[0]} to compile the kernel with OpenMP; it said: {said}")
    return done.stdout


def _version(path: str) -> str:
    return _call([path, "--version"])


def _processor() -> str:
    """Name and features of the processor, as far as the system tells; the order of its cores does not matter."""
    described = Path("/proc/cpuinfo")
    if not described.is_file():
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    lines = described.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))
