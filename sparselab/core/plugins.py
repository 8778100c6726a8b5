"""Registries: what is built in, then what other installed packages bring. tests/plugin_example/ is such a package.

    [project.entry-points."sparselab.transforms"]      a group: transforms, groupers, kernels, formats, tasks, models or lessons
    keep-rows = "my_package:KeepRows"                  a name = where the entry lies

Plug-ins are loaded at the first look at a registry as a whole, or at a name that is not built in, so that one module may bring
entries of every group. One that cannot be used is skipped: it is said once, by `logging`, which is one line on standard error.
SPARSELAB_PLUGINS=off leaves all of them out.

Python's entry points and no plug-in library (pluggy, stevedore): there are entries here, and no hooks to call.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sparselab.core.errors import SettingError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PLUGINS_VARIABLE = "SPARSELAB_PLUGINS"
"""The environment variable that leaves all plug-ins out: with any value but "on" and the empty one."""

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""What an entry may be called: its name stands in links and on command lines."""

_LONGEST_REASON = 300
_log = logging.getLogger(__name__)
_lock = RLock()  # one for all: to load an entry of one registry may be to look at another

T = TypeVar("T")


@dataclass(frozen=True)
class SkippedPlugin:
    """An entry point that was left out, and why. `package` is the distribution that brings it."""

    group: str
    name: str
    package: str
    reason: str

    def __str__(self) -> str:
        return f"{self.group}: {self.name} of {self.package}: {self.reason}"


class Registry(Mapping[str, T], Generic[T]):
    """Names to entries: the built-in ones in their order, then plug-ins by package and name.

    Args: group: the part after "sparselab." of the entry points' group. check: called with the name and the value of a
        plug-in; it raises what is wrong with the value. Built-in entries are held to the same by the tests.

    Example: >>> Registry("transforms", {"none": 0}, lambda name, value: None)["none"]
             0
    """

    def __init__(self, group: str, builtin: Mapping[str, T], check: Callable[[str, Any], object]) -> None:
        self.group = f"sparselab.{group}"
        self.builtin: Mapping[str, T] = MappingProxyType(dict(builtin))
        self.check = check
        self._entries = dict(builtin)
        self._packages: dict[str, str] = {}
        self._is_begun = self._is_loaded = False
        _registries.append(self)

    def __getitem__(self, name: str) -> T:
        return self.builtin[name] if name in self.builtin else self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def package(self, name: str) -> str:
        """Return the package that brings an entry, with its version; empty for what is built in."""
        return "" if name in self.builtin else self._packages.get(name, "")

    def _all(self) -> Mapping[str, T]:
        if not self._is_loaded:
            with _lock:
                if not self._is_begun:  # a plug-in that looks here while it is loaded sees what was loaded before it
                    self._is_begun = True
                    for point in _points(self.group):
                        self._add(point)
                    self._is_loaded = True
        return self._entries

    def _add(self, point: EntryPoint) -> None:
        try:
            if not NAME.fullmatch(point.name):
                raise SettingError("expected a name of lowercase letters, digits and single dashes")
            if point.name in self._entries:
                raise SettingError("expected a name of its own; it is taken")
            with contextlib.redirect_stdout(sys.stderr):  # standard output is for answers
                value = point.load()
                self.check(point.name, value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() in a stranger's module is no reason to end ours
            _skip(SkippedPlugin(self.group, _line(repr(point.name)[1:-1]), _package(point), _reason(error)))
        else:
            self._entries[point.name] = value
            self._packages[point.name] = " ".join([_package(point), *([point.dist.version] if point.dist else [])])


_registries: list[Registry[Any]] = []
_skipped: list[SkippedPlugin] = []


def skipped() -> tuple[SkippedPlugin, ...]:
    """Return the plug-ins left out of the registries that were imported so far; loads what is not loaded yet."""
    for registry in _registries:
        len(registry)
    return tuple(_skipped)


def say_nothing() -> None:
    """In a worker process: the process that started it has said what is skipped."""
    _log.setLevel(logging.ERROR)


def expect_texts(value: object, *names: str) -> None:
    """Raises: SettingError unless each of these attributes of `value` is a text that is not empty."""
    for name in names:
        text = getattr(value, name, None)
        if not (isinstance(text, str) and text):
            raise SettingError(f"expected a text as its {name}; got {text!r}")


def expect_instance(value: object, kind: type) -> None:
    """Raises: SettingError unless `value` is a `kind`."""
    if not isinstance(value, kind):
        raise SettingError(f"expected an instance of {kind.__module__}.{kind.__name__}; got {value!r}")


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    if os.environ.get(PLUGINS_VARIABLE, "on").lower() not in ("", "on"):
        return ()
    try:
        return tuple(sorted(_every_point().select(group=group), key=lambda point: (_package(point), point.name)))
    except Exception as error:  # one package's damaged metadata ends the whole list
        _skip(SkippedPlugin(group, "all", "every package", _reason(error)))
        return ()


@cache
def _every_point() -> Any:
    from importlib.metadata import entry_points  # where it is used: it brings the email package

    return entry_points()


def _skip(plugin: SkippedPlugin) -> None:
    _skipped.append(plugin)
    _log.warning("skipped %s", plugin)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unnamed package"


def _reason(error: BaseException) -> str:
    if isinstance(error, SettingError):
        return _line(str(error))
    return _line(traceback.format_exception_only(error)[-1])  # str(error) may fail itself


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_REASON]
