"""The settings of several transforms as options of one command, each with a list of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from sparselab.cli.setting_options import kind_of, setting_options
from sparselab.core.errors import SettingError
from sparselab.core.settings import Setting, settings_of
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.sweeps.plan import refusal_of


class WithSweptSettings(click.Command):
    """A command whose options are its own and, once each, the settings of all transforms that a sweep takes."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = super().get_params(ctx)
        return [*own[:-1], *swept_options(), own[-1]]  # --help stays last

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            for name, kind in TRANSFORMS.items():
                for setting in settings_of(kind):
                    if setting.flag == error.option_name and setting.stops_by_clock:
                        raise SettingError(refusal_of(name, setting)) from None
            raise


def swept_options() -> list[click.Option]:
    """Return an option for every setting that some transform has and that no clock ends, with the transforms that have it."""
    owners: dict[str, list[str]] = {}
    settings: dict[str, Setting] = {}
    for name, kind in TRANSFORMS.items():
        for setting in settings_of(kind):
            if not setting.stops_by_clock:
                owners.setdefault(setting.flag, []).append(name)
                settings.setdefault(setting.flag, setting)
    options = setting_options(settings.values())
    for option in options:
        option.metavar = "VALUE,..."
        option.help = f"{(option.help or '').rstrip('.')}. Of {', '.join(owners[option.opts[0]])}."
    return options


def listed_settings(
    transforms: Sequence[str], texts: Mapping[str, str | None]
) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Return for each transform the values of the settings that were given, of those that it has.

    Raises: SettingError for an unknown transform, a setting that none of them has, and a value that one of them does not take.
    """
    found: dict[str, dict[str, tuple[Any, ...]]] = {name: {} for name in transforms}
    for key, text in texts.items():
        if text is None:
            continue
        having = {name: each for name in found for each in settings_of(kind_of(name)) if each.name == key}
        if not having:
            flag = "--" + key.replace("_", "-")
            raise SettingError(f"{flag}: expected a setting of {', '.join(transforms)}; got one that none of them has")
        for name, setting in having.items():
            found[name][key] = tuple(dict.fromkeys(setting.parse(each.strip()) for each in text.split(",")))
    return found
