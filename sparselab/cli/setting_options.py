"""Settings as command-line options: a transform's and a run's, made from their declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import click

from sparselab.core.errors import SettingError
from sparselab.core.settings import Setting, settings_of
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform

HELP_NAMES = ["-h", "--help"]


def setting_options(settings: Iterable[Setting]) -> list[click.Option]:
    """Return an option that takes a value for every setting; its help says what the setting is, its range and default."""
    return [click.Option([setting.flag, setting.name], metavar="VALUE", help=_help(setting)) for setting in settings]


def given_settings(settings: Sequence[Setting], texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the values of the settings that were given. Raises: SettingError that says what was expected."""
    return {setting.name: setting.parse(text) for setting in settings if (text := texts.get(setting.name)) is not None}


def new_transform(name: str, texts: Mapping[str, str | None]) -> Transform:
    """Return the transform called `name` with the settings that were given. Raises: SettingError."""
    kind = kind_of(name)
    return kind(**given_settings(settings_of(kind), texts))


@cache
def transform_options(name: str) -> tuple[click.Option, ...]:
    """Return the options of the transform called `name`: the same objects at every call, which click compares."""
    return tuple(setting_options(settings_of(kind_of(name))))


def kind_of(name: str) -> type[Transform]:
    """Return the transform called `name`. Raises: SettingError when there is none."""
    if name not in TRANSFORMS:
        raise SettingError(f"transform: expected one of {', '.join(TRANSFORMS)}; got {name!r}")
    return TRANSFORMS[name]


def scan(arguments: Sequence[str], options: Iterable[click.Parameter]) -> tuple[dict[str, Any], list[str]]:
    """Return the values of the options in `arguments`, and the words that belong to no option.

    A first look, which judges nothing: the options are `options` and those of every transform, and whatever is none of
    them is one of the words. The value called "help" says whether help is asked for.
    """
    every = [*options, *(option for name in TRANSFORMS for option in transform_options(name))]
    known = {option.opts[0]: option for option in every if isinstance(option, click.Option)}
    read: list[click.Parameter] = [
        click.Option([*option.opts, str(option.name)], is_flag=option.is_flag) for option in known.values()
    ]
    read.append(click.Option([*HELP_NAMES, "help"], is_flag=True))
    reader = click.Command("scan", params=read, add_help_option=False)
    found = reader.make_context(
        "scan", list(arguments), resilient_parsing=True, ignore_unknown_options=True, allow_extra_args=True
    )
    return found.params, found.args


class WithSettings(click.Command):
    """A command whose options are its own and the settings of one transform: `transform_of` says which."""

    def transform_of(self, context: click.Context) -> str | None:
        """Return the name of the transform, or None where there is none."""
        raise NotImplementedError

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        name = self.transform_of(ctx)
        return [*(() if name is None else transform_options(name)), *super().get_params(ctx)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise self._unknown(ctx, error.option_name) from None
        except click.BadOptionUsage as error:
            raise self._without_value(ctx, error) from None
        if rest and not ctx.resilient_parsing:
            raise self._unknown(ctx, rest[0])
        return rest

    def _unknown(self, context: click.Context, word: str) -> SettingError:
        name = self.transform_of(context)
        if name is not None:
            flags = ", ".join(option.opts[0] for option in transform_options(name))
            return SettingError(f"{name}: expected one of {flags}; got {word!r}")
        if any(word in option.opts for transform in TRANSFORMS for option in transform_options(transform)):
            return SettingError(f"expected --transform before settings; got {word!r} without")
        flags = ", ".join(option.opts[0] for option in self.params if isinstance(option, click.Option))
        return SettingError(f"expected one of {flags}; got {word!r}")

    def _without_value(self, context: click.Context, error: click.BadOptionUsage) -> Exception:
        name = self.transform_of(context)
        settings = () if name is None else settings_of(kind_of(name))
        wanted = next((setting.expected for setting in settings if setting.flag == error.option_name), None)
        return error if wanted is None else SettingError(f"{error.option_name}: expected {wanted}; got nothing")


def _help(setting: Setting) -> str:
    first, *choices = setting.help
    doc = "; ".join([first[:1].upper() + first[1:], *choices])
    default = setting.default_text or "empty"
    when = "" if setting.when is None else f" Counts while {setting.when.name} is {_listed(setting.when.values)}."
    if setting.kind is str and not setting.choices:
        return f"{doc}. Default {default}.{when}"
    return f"{doc}. {setting.expected[:1].upper()}{setting.expected[1:]}; default {default}.{when}"


def _listed(values: Iterable[object]) -> str:
    return " or ".join("none" if value is None else str(value) for value in values)
