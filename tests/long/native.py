"""A thousand random layers through every C kernel, among forbidden pages and against float64; then again under gcc's sanitizers.

    python tests/long/native.py [--layers 1000] [--sanitized 200] [--only blocks few gradients sparse single amx]

The sanitizers (address, undefined behaviour) run for this processor, and where it is an x86 also as AVX2 and as SSE2; without gcc's
runtime libraries that part says so and is left out. The gate walks the same law with fewer layers. Exit status: 0 when all was right.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ("blocks", "few", "gradients", "sparse", "single", "amx")
IS_X86 = platform.machine().lower() in ("x86_64", "amd64")
TARGETS = {"this processor": "", **({"AVX2": "-march=haswell", "SSE2": "-march=x86-64"} if IS_X86 else {})}
"""Flags behind our own: the last -march is the one that counts."""
SANITIZERS = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
SECONDS = 3600


def guarded(kernel: str, layers: int, environment: dict[str, str]) -> bool:
    """Run layers in a program of its own; say how it ended where it did not end well."""
    command = [sys.executable, "-m", "tests.kernels.guarded", kernel, str(layers)]
    told = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=ROOT, env=told)
    if done.returncode:
        print(f"{kernel} ended with {done.returncode}: {done.stderr[-3000:]}", flush=True)
    return done.returncode == 0


def runtime(name: str) -> str | None:
    """Return the path of a sanitizer's library; None where gcc has none."""
    if shutil.which("gcc") is None:
        return None
    said = subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return said if Path(said).is_absolute() else None


def sanitized(kernels: list[str], layers: int) -> bool:
    libraries = [runtime(name) for name in ("libasan.so", "libubsan.so")]
    if None in libraries:
        print("expected gcc with libasan and libubsan; they are not here, so that nothing was run under sanitizers")
        return True
    is_right = True
    for target, flags in TARGETS.items():
        with (
            tempfile.TemporaryDirectory() as folder
        ):  # a cache of its own: the key of a library does not know these flags
            compiler = Path(folder) / "cc"
            compiler.write_text(f'#!/bin/sh\nexec gcc "$@" {flags} {SANITIZERS}\n')
            compiler.chmod(0o700)
            environment = {
                "CC": str(compiler),
                "SPARSELAB_CACHE": folder,
                "LD_PRELOAD": " ".join(filter(None, libraries)),
                "ASAN_OPTIONS": "detect_leaks=0",  # Python's own at its end
            }
            for kernel in kernels:
                if kernel == "amx" and flags:  # which asks for AVX-512, emulated tiles or not
                    continue
                ended_well = guarded(kernel, layers, environment)
                print(f"sanitizers, {target}: {kernel}, {layers} layers{'' if ended_well else ' FAILED'}", flush=True)
                is_right = is_right and ended_well
    return is_right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=1000)
    parser.add_argument("--sanitized", type=int, default=200, help="layers under sanitizers, each kernel and target")
    parser.add_argument("--only", nargs="+", choices=KERNELS, default=list(KERNELS))
    arguments = parser.parse_args()
    is_right = True
    for kernel in arguments.only:
        ended_well = guarded(kernel, arguments.layers, {})
        print(
            f"among forbidden pages: {kernel}, {arguments.layers} layers{'' if ended_well else ' FAILED'}", flush=True
        )
        is_right = is_right and ended_well
    is_right = sanitized(arguments.only, arguments.sanitized) and is_right
    sys.exit(not is_right)


if __name__ == "__main__":
    main()
