"""Settings that came later: runs from before them keep their names and do what they did."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from sparselab.core.settings import settings_of
from sparselab.training.before import BEFORE
from sparselab.training.methods import METHODS
from sparselab.training.runs.paths import RunPaths
from sparselab.training.settings import TrainSettings, read_settings

OLD = Path(__file__).parents[1] / "compatibility" / "fixtures"
CONFIGS = sorted(OLD.rglob("config.json"))


def first_settings() -> set[str]:
    return set(json.loads(CONFIGS[0].read_text())["settings"])


def test_every_setting_is_of_the_first_runs_or_says_what_was_before_it() -> None:
    now = {setting.name for setting in settings_of(TrainSettings)}
    assert first_settings() | BEFORE.keys() == now
    assert not first_settings() & BEFORE.keys()
    for setting in settings_of(TrainSettings):
        setting.check(BEFORE.get(setting.name, setting.default))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.parent.name)
def test_an_old_run_keeps_its_name_and_does_what_it_did(config: Path) -> None:
    known = json.loads(config.read_text())
    settings = read_settings(known["settings"])
    assert settings.digest == known["run"] == RunPaths(config.parent).folder.name
    counting = {setting.name for setting in settings_of(TrainSettings) if setting.counts(dataclasses.asdict(settings))}
    for name in (BEFORE.keys() & counting) - (set() if settings.then else {"weigh"}):
        assert getattr(settings, name) == BEFORE[name], name
    again = read_settings(dataclasses.asdict(settings))
    assert (again, again.digest) == (settings, settings.digest)


@pytest.mark.parametrize("method", METHODS)
def test_a_new_run_does_as_the_defaults_say_and_is_another_run_only_where_that_matters(method: str) -> None:
    new = TrainSettings(method=method)
    old = read_settings({name: value for name, value in dataclasses.asdict(new).items() if name in first_settings()})
    assert (new.candidates, new.digest == old.digest) == ("released", method != "dsb")
    assert old.candidates == ("rounded" if method == "dsb" else "released")
