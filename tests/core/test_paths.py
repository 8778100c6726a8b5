"""Where a user's own files lie, on every system: they must be found again where they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from platformdirs import PlatformDirsABC
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from sparselab.core import paths
from sparselab.core.errors import FileError
from sparselab.core.paths import CACHE_VARIABLE, DATA_VARIABLE, cache_folder, data_folder

LOCAL = r"C:\Users\me\AppData\Local"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (DATA_VARIABLE, CACHE_VARIABLE, "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", LOCAL)
    monkeypatch.chdir(tmp_path)  # a Windows path is a relative one elsewhere
    return tmp_path


@pytest.mark.parametrize(
    ("system", "data", "cache"),
    [
        (Unix, ".local/share/sparselab", ".cache/sparselab"),
        (MacOS, "Library/Application Support/sparselab", "Library/Caches/sparselab"),
        (Windows, f"{LOCAL}/sparselab", f"{LOCAL}/sparselab"),
    ],
)
def test_each_system_has_its_usual_folders(
    system: type[PlatformDirsABC], data: str, cache: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PlatformDirs", system)
    assert data_folder().absolute() == home / data
    assert cache_folder("tuning").absolute() == home / cache / "tuning"


def test_the_xdg_variables_move_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PlatformDirs", Unix)
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    assert data_folder() == home / "data" / "sparselab"
    assert cache_folder("tuning") == home / "cache" / "sparselab" / "tuning"


def test_our_own_variables_come_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv(DATA_VARIABLE, "~/mine")
    monkeypatch.setenv(CACHE_VARIABLE, "~/mine too")
    assert data_folder() == home / "mine"
    assert cache_folder("tuning") == home / "mine too" / "tuning"


def test_data_has_a_folder_at_once_and_the_cache_when_it_is_needed(home: Path) -> None:
    assert data_folder().is_dir()
    assert not cache_folder("tuning").exists()


def test_a_folder_that_cannot_be_made_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").touch()
    monkeypatch.setenv(DATA_VARIABLE, str(home / "file" / "below"))
    with pytest.raises(FileError, match=f"set {DATA_VARIABLE} to another"):
        data_folder()
