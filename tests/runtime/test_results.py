"""Answers on disk: exact keys, whole or absent, bounded, safe for two at once."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.atomic_files import is_temporary
from sparselab.runtime import results
from sparselab.runtime.results import ResultStore, task_digest

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
tasks = st.dictionaries(st.text(max_size=4), plain, max_size=3)


@given(one=tasks, other=tasks)
def test_tasks_have_one_digest_when_they_are_the_same_and_only_then(one: dict, other: dict) -> None:
    assert task_digest(one) == task_digest(dict(reversed(one.items())))
    assert (task_digest(one) == task_digest(other)) == (repr(sorted(one.items())) == repr(sorted(other.items())))


@pytest.mark.parametrize("part", ["__version__", "code_digest"])
def test_another_version_or_code_of_this_package_is_another_task(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = task_digest({})
    monkeypatch.setattr(results, part, "9.9" if part == "__version__" else lambda: "other code")
    assert task_digest({}) != before


def test_what_was_put_in_comes_out(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "new" / "store")
    assert store.get({"seed": 0}) is None
    store.put({"seed": 0}, {"rows": np.arange(5), "text": "a", "none": None})
    found = ResultStore(store.folder).get({"seed": 0})
    assert found["rows"].tolist() == [0, 1, 2, 3, 4]
    assert (found["text"], found["none"]) == ("a", None)
    assert store.get({"seed": 1}) is None


@given(place=st.integers(0, 10_000), cut=st.booleans())
def test_a_damaged_file_is_no_answer_and_goes(tmp_path_factory: pytest.TempPathFactory, place: int, cut: bool) -> None:
    store = ResultStore(tmp_path_factory.mktemp("store"))
    store.put({}, {"rows": np.arange(9)})
    (path,) = store.folder.iterdir()
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place] ^= 1
    path.write_bytes(content[:place] if cut else content)
    assert store.get({}) is None
    assert not list(store.folder.iterdir())


def test_the_store_is_bounded_and_what_was_asked_for_last_stays(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, most_bytes=5_000)
    for number in range(3):
        store.put({"number": number}, np.zeros(1_400, np.uint8))
    assert store.get({"number": 0}) is not None
    store.put({"number": 3}, np.zeros(1_400, np.uint8))
    assert [store.get({"number": number}) is not None for number in range(4)] == [True, False, True, True]
    store.put({"number": 4}, np.zeros(9_000, np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_costs_only_the_answers(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = ResultStore(tmp_path / "file" / "store")
    store.put({}, 1)
    assert store.get({}) is None


def test_two_processes_at_once(tmp_path: Path) -> None:
    program = (
        "import sys, numpy as np; from pathlib import Path; from sparselab.runtime.results import ResultStore\n"
        "store = ResultStore(Path(sys.argv[1]), most_bytes=60_000)\n"
        "for turn in range(60):\n"
        "    number = turn % 9\n"
        "    store.put({'number': number}, np.full(9_000, number, np.uint8))\n"
        "    found = store.get({'number': (turn * 5) % 9})\n"
        "    assert found is None or (found == (turn * 5) % 9).all() and found.size == 9_000\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    left = list(tmp_path.iterdir())
    assert not any(map(is_temporary, left))
    assert 0 < sum(path.stat().st_size for path in left) <= 60_000
