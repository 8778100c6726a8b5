"""Settings: the fields of a frozen dataclass, each declared once and read by sliders, flags, tests and documents.

    block_size: Annotated[int, Interval(ge=2, le=64), Doc("side of a square block")] = 16

A field may carry Interval (its range), OneOf (its choices), OrForm (what else it takes beside them), When (the setting it depends on), Unset
(what None means), Flag (its name on the command line), ShownAs (its name on a page), InFront (that it stands before *More* there),
Ladder (values worth trying in turn), StopsByClock (that it bounds seconds) and Doc (its help).

Our own and no library's: Pydantic and attrs check values too, but have no word for a setting that counts only beside another,
and what sliders, flags and documents need to be told would still be written here.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError

AUTO = "auto"
"""What is written where None is meant by a setting with choices: it is chosen as its `Unset` says."""


@dataclass(frozen=True)
class OneOf:
    """The values a setting may take: their names, or a mapping from each name to one line about it."""

    values: Collection[Any] | Mapping[str, str]

    @classmethod
    def of(cls, registry: Mapping[str, Any]) -> OneOf:
        """Return the names of a registry whose entries say in `meaning` what they are. It is read when it is asked for."""
        return cls(_Meanings(registry))


@dataclass(frozen=True)
class OrForm:
    """Beside its choices the setting takes every text of a form: `pattern` tells them, `said` is how they look, for people."""

    pattern: re.Pattern[str]
    said: str


@dataclass(frozen=True)
class ShownAs:
    """What the setting is called on a page, in plain words."""

    text: str


@dataclass(frozen=True)
class InFront:
    """The setting stands on the page itself; a kind that marks some of its settings has the others under *More*."""


@dataclass(frozen=True)
class Ladder:
    """Values, ascending, at which it is worth seeing what the setting does: those of a sweep."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class StopsByClock:
    """The setting bounds the seconds of a search: where it ends one, the answer depends on the machine, and is nobody else's."""


@dataclass(frozen=True)
class Flag:
    """What the setting is called on the command line, where its field's name will not do."""

    name: str


class _Meanings(Mapping[str, str]):
    def __init__(self, registry: Mapping[str, Any]) -> None:
        self._registry = registry

    def __getitem__(self, name: str) -> str:
        return str(self._registry[name].meaning)

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __len__(self) -> int:
        return len(self._registry)

    @property
    def titles(self) -> Mapping[str, str]:
        return {name: each.title for name, each in self._registry.items() if hasattr(each, "title")}


@dataclass(frozen=True)
class When:
    """The setting counts only while the setting called `name` has one of `values`."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Unset:
    """What the setting means while it is None, in a few words; `value`: the same as a value, given those of all settings."""

    meaning: str
    value: Callable[[Mapping[str, Any]], Any] = lambda _values: None


@dataclass(frozen=True)
class Setting:
    """One setting, as its four readers need it. `meanings` has one line a choice, where the choices are explained."""

    name: str
    kind: type
    default: Any
    doc: str
    optional: bool
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    meanings: Mapping[str, str]
    unset: str
    when: When | None
    form: OrForm | None = None
    flag_name: str = ""
    shown_as: str = ""
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    in_front: bool = False
    ladder: tuple[Any, ...] = ()
    stops_by_clock: bool = False
    stands_for: Callable[[Mapping[str, Any]], Any] = lambda _values: None

    @property
    def label(self) -> str:
        """Its name on a page."""
        return self.shown_as or self.name.replace("_", " ").capitalize()

    def title_of(self, choice: str) -> str:
        """What a choice is called on a page."""
        return self.titles.get(choice, choice)

    @property
    def help(self) -> tuple[str, ...]:
        """All that is said of it, as lines: its doc with what None means, then a line a choice, where None is one called auto."""
        if self.choices and self.unset:
            return (self.doc, f"{AUTO}: {self.unset}", *self._lines)
        none = f"; none: {self.unset}" if self.unset else ""
        return (self.doc + none, *self._lines)

    @property
    def _lines(self) -> tuple[str, ...]:
        return tuple(f"{choice}: {meaning}" for choice, meaning in self.meanings.items())

    @property
    def default_text(self) -> str:
        """Its default as a flag takes it."""
        return str(self.default) if self.default is not None else AUTO if self.choices else "none"

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return self.flag_name or "--" + self.name.replace("_", "-")

    def counts(self, values: dict[str, Any]) -> bool:
        """Whether it matters, given the values of all settings."""
        return self.when is None or values[self.when.name] in self.when.values

    def parse(self, text: str) -> Any:
        """Turn a flag's or a link's text into a value. Raises: SettingError that says what was expected."""
        if self.optional and text.lower() in ("", "none", AUTO):
            return None
        try:
            value: Any = {"true": True, "false": False}[text.lower()] if self.kind is bool else self.kind(text)
        except (ValueError, KeyError):
            raise SettingError(f"{self.name}: expected {self.expected}; got {text!r}") from None
        self.check(value)
        return value

    def check(self, value: Any) -> None:
        """Raises: SettingError unless `value` is of the right kind, in range, and among the choices."""
        if value is None and self.optional:
            return
        right_kind = isinstance(value, int | float if self.kind is float else self.kind)
        right_kind = right_kind and (self.kind is bool or not isinstance(value, bool))
        in_range = right_kind and (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        has_form = self.form is not None and right_kind and self.form.pattern.fullmatch(str(value)) is not None
        if not in_range or (self.choices and value not in self.choices and not has_form):
            raise SettingError(f"{self.name}: expected {self.expected}; got {value!r}")

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            others = [*([self.form.said] if self.form else []), *([AUTO] if self.optional else [])]
            return "one of " + ", ".join(map(str, self.choices)) + "".join(f", or {other}" for other in others)
        if self.kind is bool:
            return "true or false"
        word = "a whole number" if self.kind is int else "a number"
        if self.low is not None and self.high is not None:
            figure = "d" if self.kind is int else "g"
            word += f" from {self.kind(self.low):{figure}} to {self.kind(self.high):{figure}}"
        return word + (" or none" if self.optional else "")


def settings_of(kind: type) -> tuple[Setting, ...]:
    """Return the settings of a dataclass, in the order of its fields."""
    return tuple(_read(field, _hints(kind)[field.name]) for field in dataclasses.fields(kind))


@lru_cache(maxsize=256)
def _hints(kind: type) -> dict[str, Any]:
    # Read from texts, which takes a millisecond a class; a page asks for them at every click. Choices are read anew: they may grow.
    return get_type_hints(kind, include_extras=True)


def check_settings(instance: Any) -> None:
    """Raises: SettingError for the first field of `instance` that breaks its declaration."""
    for setting in settings_of(type(instance)):
        setting.check(getattr(instance, setting.name))


def check_declared(kind: type) -> None:
    """Raises: SettingError for the first field of a dataclass that no widget and no flag can be made of."""
    for setting in settings_of(kind):
        if setting.kind not in (bool, int, float, str):
            raise SettingError(f"{setting.name}: expected true or false, a number or a text; got {setting.kind!r}")
        if setting.kind in (int, float) and (setting.low is None or setting.high is None):
            raise SettingError(f"{setting.name}: expected an Interval with ge and le; got none")
        if not setting.doc:
            raise SettingError(f"{setting.name}: expected a Doc; got none")
        for value in (setting.default, *setting.ladder):
            setting.check(value)


def _read(field: dataclasses.Field[Any], hint: Any) -> Setting:
    base, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    members = get_args(base) if get_origin(base) in (Union, types.UnionType) else (base,)
    interval = next((mark for mark in marks if isinstance(mark, Interval)), None)
    choices = next((mark.values for mark in marks if isinstance(mark, OneOf)), ())
    meanings = choices if isinstance(choices, Mapping) else {}
    unset = next((mark for mark in marks if isinstance(mark, Unset)), Unset(""))
    return Setting(
        name=field.name,
        kind=next(member for member in members if member is not type(None)),
        default=field.default,
        doc=next((mark.documentation for mark in marks if isinstance(mark, Doc)), ""),
        optional=type(None) in members,
        low=None if interval is None else interval.ge,  # type: ignore[arg-type]
        high=None if interval is None else interval.le,  # type: ignore[arg-type]
        choices=tuple(choices),
        meanings=meanings,
        unset=unset.meaning,
        stands_for=unset.value,
        when=next((mark for mark in marks if isinstance(mark, When)), None),
        form=next((mark for mark in marks if isinstance(mark, OrForm)), None),
        flag_name=next((mark.name for mark in marks if isinstance(mark, Flag)), ""),
        shown_as=next((mark.text for mark in marks if isinstance(mark, ShownAs)), ""),
        titles=choices.titles if isinstance(choices, _Meanings) else {},
        in_front=any(isinstance(mark, InFront) for mark in marks),
        ladder=next((mark.values for mark in marks if isinstance(mark, Ladder)), ()),
        stops_by_clock=any(isinstance(mark, StopsByClock) for mark in marks),
    )
