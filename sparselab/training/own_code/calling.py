"""Functions of one's own, called with what they accept."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from sparselab.core.errors import SettingError
from sparselab.core.settings import Setting

_KINDS = (bool, int, float, str)


def call_by_keyword(function: Callable[..., Any], what: str, offered: Mapping[str, Any], settings: str = "") -> Any:
    """Return what `function` returns for those of the `offered` values that it has a parameter for, and for its `settings`.

    Args: what: its name in errors. settings: name=value,name=value, for other parameters; a value is read as its parameter's
        annotation says, else as its default's type, else as text.
    Raises: SettingError for a setting that it does not take, or a parameter without a default that nothing is given for.
    Example: >>> call_by_keyword(lambda classes, depth=2: (classes, depth), "net", {"classes": 10, "size": 24}, "depth=3")
             (10, 3)
    """
    parameters = _parameters(function, what)
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    named = {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    values = {name: value for name, value in offered.items() if name in named or takes_any}
    own = {name: parameter for name, parameter in named.items() if name not in offered}
    hints = _hints(function)
    for part in filter(None, settings.split(",")):
        name, equals, text = part.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not (name in own or (takes_any and name not in offered)):
            some = ", ".join(own) or "no setting at all"
            raise SettingError(f"{what}: expected name=value with one of {some}; got {part!r}")
        values[name] = _setting(name, own.get(name), hints.get(name)).parse(text.strip())
    missing = [name for name, parameter in named.items() if parameter.default is parameter.empty and name not in values]
    if missing:
        raise SettingError(
            f"{what}: expected every parameter to have a default or to be one of {', '.join(offered)}; {missing[0]} is not: "
            f"give it as a setting ({missing[0]}=VALUE)"
        )
    return function(**values)


def _parameters(function: Callable[..., Any], what: str) -> Mapping[str, inspect.Parameter]:
    if not callable(function):
        raise SettingError(f"{what}: expected a function or a class; got {type(function).__name__}")
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise SettingError(f"{what}: expected a function with named parameters; its signature cannot be read") from None


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function.__init__ if inspect.isclass(function) else function)
    except Exception:  # annotations of somebody else's: names that are imported for type checkers alone, and worse
        return {}


def _setting(name: str, parameter: inspect.Parameter | None, hint: Any) -> Setting:
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    kind = next((member for member in members if member in _KINDS), None)
    default = None if parameter is None or parameter.default is parameter.empty else parameter.default
    if kind is None:
        kind = type(default) if type(default) in _KINDS else str
    return Setting(
        name=name,
        kind=kind,
        default=default,
        doc="",
        optional=type(None) in members,
        low=None,
        high=None,
        choices=(),
        meanings={},
        unset="",
        when=None,
    )
