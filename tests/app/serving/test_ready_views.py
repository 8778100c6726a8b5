"""The first picture of a sample: made before anybody asks, and shown without a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.inputs.samples import FIRST, available, sample_path
from sparselab.app.jobs import explore_job
from sparselab.app.jobs.explore_job import stored_view
from sparselab.app.jobs.ready_views import first_request, make_views_ready
from sparselab.app.shell.session import broker, public_memory
from sparselab.runtime import results
from sparselab.runtime.broker import Broker, Job, Rank, Request
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A fresh install whose server has started: nobody has come yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSELAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        jobs = make_views_ready()
        for job in jobs:
            job.result()
        assert len(jobs) == 2 * len(available()), "a picture and what random groups keep of it, each"
        assert f'"{sample_path(FIRST)}"' in jobs[0]._work.request.key, "the app opens on it"
        yield


@pytest.mark.usefixtures("ready")
def test_no_first_picture_waits_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Broker, request: Request) -> Job:
        raise AssertionError(f"a worker was asked for {request.key}")

    assert make_views_ready() == [], "a second start finds all of them"
    monkeypatch.setattr(Broker, "submit", refuse)
    public_memory.clear()
    for sample in available():
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
        at.query_params["sample"] = sample
        at.run()
        assert not at.exception
        assert public_memory().get(first_request(sample).key) is not None, "the page asks what was made ready"
        assert any("random groups" in text.value for text in at.markdown), "and says what chance would keep"


@pytest.mark.usefixtures("ready")
def test_what_another_version_made_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    request = first_request(available()[0])
    assert stored_view(request) is not None
    monkeypatch.setattr(results, "__version__", "0.0.0")
    assert stored_view(request) is None


def test_who_asks_for_what_is_being_made_ready_shares_it() -> None:
    """And then it is not the last in the line any more."""
    request = first_request(available()[0])
    ahead = broker().submit(explore_job.public_question(request, "nobody", Rank.AHEAD))
    asked = broker().submit(explore_job.public_question(request, "somebody"))
    assert ahead._work is asked._work
    assert asked._work.rank is Rank.INTERACTIVE
    ahead.cancel()
    asked.cancel()
