"""What servers leave behind: folders and processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sparselab.core.errors import FileError
from sparselab.runtime.child import WORKER_PROGRAM, python_command, python_environment
from sparselab.runtime.server_folder import ServerFolder, end_orphans
from sparselab.runtime.worker import Worker


def test_folders_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    parent = tmp_path / "servers"
    code = f"from pathlib import Path; from sparselab.runtime.server_folder import ServerFolder; import os; print(ServerFolder(Path({str(parent)!r})).new(), flush=True); os._exit(0)"
    dead = Path(subprocess.check_output(python_command("-c", code), env=python_environment(), text=True).strip())
    (dead / "upload").write_text("of a visitor")
    living, mine = ServerFolder(parent), ServerFolder(parent)
    kept = living.new()
    assert mine.sweep() == 1
    assert not dead.exists()
    assert kept.exists()
    living.close()
    assert not kept.exists()
    mine.close()
    assert list(parent.iterdir()) == []


def test_a_folder_that_somebody_clears_away_is_made_again(tmp_path: Path) -> None:
    folder = ServerFolder(tmp_path / "servers")
    kept = folder.new()
    shutil.rmtree(folder.path)
    assert folder.new().is_dir()
    folder.restore(kept)
    assert kept.is_dir()
    assert ServerFolder(tmp_path / "servers").sweep() == 0, "it is locked as before"
    folder.close()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of folders here")
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    parent = tmp_path / "servers"
    parent.mkdir()
    parent.chmod(0o777)
    with pytest.raises(FileError, match="this user alone"):
        ServerFolder(parent)
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="for visitors' files"):
        ServerFolder(tmp_path / "file" / "servers")


def test_workers_of_dead_servers_are_ended_and_no_others() -> None:
    worker = Worker()
    start = json.dumps({"imports": [], "parent": 2**22 + 1})  # no process has such a number
    orphan = subprocess.Popen(
        python_command("-c", WORKER_PROGRAM, start), stdin=subprocess.PIPE, env=python_environment()
    )
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert end_orphans() >= 1
        assert orphan.wait(60) != 0
        assert worker.process_id is not None
        assert psutil.pid_exists(worker.process_id)
        assert other.poll() is None
    finally:
        worker.close()
        for process in (orphan, other):
            process.kill()
            process.communicate()
