"""Memory that is left: no more than the machine, the container or the process's own limit leaves."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import LimitError
from sparselab.core.inputs import memory

VERSIONS = [
    ("0::/a/b", "", "memory.max", "memory.current", "inactive_file"),
    ("4:memory:/a/b", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
]


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with 8,000 bytes free, and the control groups of a folder."""
    free = psutil.virtual_memory()._replace(available=8_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    monkeypatch.setattr(memory, "_under_own_limit", lambda: 9_000)
    monkeypatch.setattr(memory, "_MOUNT", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_OWN", tmp_path / "own")


def group(folder: Path, names: tuple[str, str, str], limit: str, used: int, files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 77\n{names[2]} {files}\nactive_file 5\n")


@pytest.mark.parametrize(("own", "controller", "limit", "used", "given_back"), VERSIONS)
@pytest.mark.parametrize("where", ["a/b", "a", ""])
def test_a_limit_around_the_process_counts_wherever_it_lies(
    own: str, controller: str, limit: str, used: str, given_back: str, where: str, tmp_path: Path
) -> None:
    (tmp_path / "own").write_text(f"9:cpuset:/\n{own}\n")
    root, names = tmp_path / "cgroup" / controller, (limit, used, given_back)
    group(root / "a" / "b", names, "max", 500, 0)
    assert memory.available_memory() == 8_000
    group(root / where, names, "2000", 1_500, 300)
    assert memory.available_memory() == 800
    group(root / where, names, "2000", 2_500, 0)
    assert memory.available_memory() == 0
    with pytest.raises(LimitError, match="the layer: expected"):
        memory.check_room("the layer", 1)


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_the_least_of_machine_and_own_limit_is_left(free: int, own: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psutil, "virtual_memory", lambda: type("Free", (), {"available": free}))
        patch.setattr(memory, "_under_own_limit", lambda: own)
        assert memory.available_memory() == min(free, own)
