"""The C kernels compiled for 64-bit ARM, whose vectors are NEON's, and run by an emulator: random layers among forbidden pages.

    python tests/long/emulated.py [--layers 100] [--only blocks few gradients sparse single]

Needs a cross compiler and qemu, on Debian the packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user; without them it
says so and runs nothing. The law is the one of tests/kernels/guarded.py: layers are made, packed and compared with float64 by
this process, C is called in the emulated one (emulated.c), and both have the arrays at the same addresses. An emulator says nothing of speed.
Exit status: 0 when all was right.
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sparselab.kernels.native import compiler, packing  # noqa: E402
from sparselab.kernels.native.sparse_packing import CPart, CProduct  # noqa: E402
from tests.kernels import guarded  # noqa: E402

KERNELS = ("blocks", "few", "gradients", "sparse", "single")
COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
TARGETS = {
    "any 64-bit ARM": "-march=armv8-a",
    "Neoverse V1, with SVE": "-mcpu=neoverse-v1",
    "any 64-bit ARM, undefined behaviour ends it": "-march=armv8-a -fsanitize=undefined -fsanitize-undefined-trap-on-error",
}
"""In place of the processor's own flag."""
PAGE = mmap.PAGESIZE
LEAST_ADDRESS = 1 << 34
"""No size is as large, and no system that runs this gives an address as small."""
BASE, SIZE = 1 << 36, 1 << 29
"""Where both processes have the memory they share: far below what either is given by its system. It is used round and round."""


class Emulated:
    """The compiled code in its emulator, called as the library that `ctypes` would load."""

    def __init__(self, program: Path) -> None:
        self._descriptor = os.memfd_create("shared")
        os.ftruncate(self._descriptor, SIZE)
        # Not `mmap.mmap`, which maps where the system likes.
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_size_t]
        taken = libc.mmap(BASE, SIZE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, self._descriptor, 0)
        assert taken == BASE, f"expected memory at {BASE:#x}; got {taken:#x}"
        self._memory = (ctypes.c_ubyte * SIZE).from_address(BASE)
        self._next = 0
        command = [EMULATOR, str(program)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[self._descriptor]
        )
        assert self._ask("share", BASE, SIZE, self._descriptor)

    def close(self) -> None:
        """End the emulator; another may then take the addresses."""
        self._process.kill()
        self._process.communicate()
        os.close(self._descriptor)
        ctypes.CDLL(None).munmap(ctypes.c_void_p(BASE), ctypes.c_size_t(SIZE))

    def between_guards(self, count: int, dtype: torch.dtype, *, at_end: bool) -> torch.Tensor:
        """Return memory of both processes, as `guarded.between_guards` does; the pages are forbidden to the emulated one."""
        size = count * dtype.itemsize
        pages = -(-max(1, size) // PAGE)
        if self._next + (pages + 2) * PAGE > SIZE:
            self._next = 0
        start = BASE + self._next
        self._next += (pages + 1) * PAGE  # the last page is the first of what comes next
        assert self._ask("allow", start, (pages + 2) * PAGE)
        assert self._ask("forbid", start, PAGE)
        assert self._ask("forbid", start + (pages + 1) * PAGE, PAGE)
        begin = start - BASE + ((pages + 1) * PAGE - size if at_end else PAGE)
        return torch.frombuffer(self._memory, dtype=torch.uint8)[begin : begin + size].view(dtype)

    def __getattr__(self, name: str) -> Any:
        if name not in compiler._FUNCTIONS:
            raise AttributeError(name)
        result, _ = compiler._FUNCTIONS[name]

        def call(*arguments: Any) -> int | None:
            sent = [self._sent(argument) for argument in arguments]
            answer = self._ask(name, torch.get_num_threads(), *sent)
            return answer if result is not None else None

        return self._pack_values if name == "blocks_pack_values" else call

    def _pack_values(self, values: int, to: int, product: Any, for_input: int) -> None:
        """Packing happens before the arrays lie between guards."""
        count = int(ctypes.c_int64.from_address(product._obj.weight_starts + 8 * product._obj.panels).value)
        staged = [self._copied(address, 4 * count) for address in (values, to)]
        assert self._ask("blocks_pack_values", 1, *staged, self._sent(product), int(for_input)) is not None
        ctypes.memmove(to, staged[1], 4 * count)

    def _sent(self, argument: Any) -> int:
        """Return a number, null for None, or the address of a copy of a structure."""
        if not hasattr(argument, "_obj"):
            return shared(int(argument or 0))
        struct = type(argument._obj).from_buffer_copy(argument._obj)
        if isinstance(struct, CProduct):
            struct.part = self._copied(struct.part, struct.parts * ctypes.sizeof(CPart))
        for field in struct._fields_:
            setattr(struct, field[0], shared(getattr(struct, field[0]) or 0))
        return self._copied(ctypes.addressof(struct), ctypes.sizeof(struct))

    def _copied(self, address: int, size: int) -> int:
        copy = self.between_guards(max(1, size), torch.uint8, at_end=True).data_ptr()
        ctypes.memmove(copy, address, size)
        return copy

    def _ask(self, *words: str | int) -> int:
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        try:
            asked.write(" ".join(map(str, words)) + "\n")
            asked.flush()
            return int(answered.readline())
        except (BrokenPipeError, ValueError):
            raise RuntimeError(f"{words[0]} ended with {self._process.wait()} (a signal where negative)") from None


def shared(number: int) -> int:
    """Return a number as it is, but for an address of this process alone, such as an array of no numbers has: null, which nobody may read."""
    return number if number < LEAST_ADDRESS or BASE <= number < BASE + SIZE else 0


def compiled(flags: str, folder: Path) -> Path:
    """Compile the kernels with the project's flags, every warning an error, and the program that calls them."""
    ours = [flag for flag in compiler._flags() if not flag.endswith("=native")]
    names = " ".join(f"NAME({name})" for name in compiler._FUNCTIONS if name not in compiler._NOT_EVERYWHERE)
    sources = [compiler._FOLDER / name for name in compiler._SOURCES]
    objects = [folder / f"{source.stem}.o" for source in sources]
    command = [COMPILER, *ours, *flags.split(), "-Wall", "-Wextra", "-Werror"]
    for source, made in zip(sources, objects, strict=True):
        subprocess.run([*command, "-c", source, "-o", made], check=True)
    program, caller = folder / "emulated", Path(__file__).with_suffix(".c")
    link = ["-Wno-cast-function-type", "-static", "-Wl,--no-warnings", f"-DNAMES={names}"]
    subprocess.run([*command, *link, caller, *objects, "-o", program], check=True)
    return program


def between_shared_guards(lists: Any) -> Any:
    """Return lists whose arrays both processes have."""
    return guarded.guarded_arrays(lists, at_end=True)


def call_emulated(code: Emulated) -> None:
    """Have every module of the kernels call `code`, and lay their arrays where it has them."""
    lists, splits = REAL
    replaced = {
        "library": lambda: code,
        "panel_lists": lambda layout: between_shared_guards(lists(layout)),
        "splits": lambda *arguments: guarded.guarded(torch.from_numpy(splits(*arguments)), at_end=True).numpy(),
    }
    for module in MODULES:
        for name, function in replaced.items():
            if hasattr(module, name):
                setattr(module, name, function)
    guarded.between_guards = code.between_guards


REAL = packing.panel_lists, packing.splits
MODULES = [module for name, module in sys.modules.items() if name.startswith("sparselab.kernels.native.")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=KERNELS, default=list(KERNELS))
    arguments = parser.parse_args()
    if missing := [name for name in (COMPILER, EMULATOR) if shutil.which(name) is None]:
        print(f"expected {' and '.join(missing)}; not here, so that nothing was run as 64-bit ARM")
        return
    is_right = True
    for target, flags in TARGETS.items():
        with tempfile.TemporaryDirectory() as folder:
            program = compiled(flags, Path(folder))
            for kernel in arguments.only:
                code, told = Emulated(program), ""
                lanes = code.sparse_lanes()
                call_emulated(code)
                try:
                    guarded.main(kernel, arguments.layers)
                except (AssertionError, RuntimeError) as error:
                    told, is_right = f" FAILED: {error}", False
                print(f"{target}, {lanes} lanes: {kernel}, {arguments.layers} layers{told}", flush=True)
                code.close()
    sys.exit(not is_right)


if __name__ == "__main__":
    main()
