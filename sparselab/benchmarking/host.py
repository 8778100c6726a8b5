"""The machine a session was measured on: its name, its versions, and what else it was doing."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

BUSY_SHARE = 0.15
"""Others using more than this share of all cores make the machine busy, and every row of the session noisy."""

_SAMPLE_SECONDS = 0.5


def processor_name() -> str:
    """Return what the processor calls itself."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def device_card(device: str) -> dict[str, Any]:
    """Return name, kind and size of the device that multiplies, and of the machine around it."""
    card: dict[str, Any] = {
        "kind": "cuda" if device.startswith("cuda") else "cpu",
        "name": processor_name(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if card["kind"] == "cuda":
        import torch

        found = torch.cuda.get_device_properties(device)
        card |= {"processor": card["name"], "name": found.name, "multiprocessors": found.multi_processor_count}
        card |= {"device_memory_gib": round(found.total_memory / 2**30, 1)}
    return card


def versions() -> dict[str, str]:
    """Return the versions that decide how fast a product is."""
    import numpy
    import torch

    from sparselab.core.version import __version__

    found = {
        "sparselab": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "torch": torch.__version__,
    }
    if torch.version.cuda is not None:
        found["cuda"] = torch.version.cuda
    if torch.cuda.is_available():
        found["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
    return found


@dataclass(frozen=True)
class Load:
    """Shares of all cores that others used, and that the machine beneath a virtual one took away."""

    others: float
    stolen: float

    @property
    def is_busy(self) -> bool:
        return self.others + self.stolen > BUSY_SHARE


class LoadMeter:
    """Counts from when it is made what everybody but this process takes of the processor."""

    def __init__(self) -> None:
        self._since = self._now()

    def read(self) -> Load:
        """Return the load since the meter was made."""
        wall, busy, stolen, own = (now - then for now, then in zip(self._now(), self._since, strict=True))
        whole = max(wall * (os.cpu_count() or 1), 1e-9)
        return Load(max(0.0, (busy - own) / whole), max(0.0, stolen / whole))

    @staticmethod
    def _now() -> tuple[float, float, float, float]:
        times = psutil.cpu_times()
        stolen = getattr(times, "steal", 0.0)
        busy = times.user + times.system + sum(getattr(times, name, 0.0) for name in ("nice", "irq", "softirq"))
        own = psutil.Process().cpu_times()
        return time.monotonic(), busy, stolen, own.user + own.system


def load_now(seconds: float = _SAMPLE_SECONDS) -> Load:
    """Return what others take of the processor, watched for `seconds` while this process rests."""
    meter = LoadMeter()
    time.sleep(seconds)
    return meter.read()
