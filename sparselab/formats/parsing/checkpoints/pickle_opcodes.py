"""A pickle, read without running it: what it would call is written down, never imported and never called.

Python's own unpickler calls whatever a pickle names. This one makes lists, dictionaries, tuples, numbers, texts, bytes, and a
`Made` for every call. Each step takes one byte of the file or more and makes one value at most, so that time and memory grow
with the file alone. Source of the opcodes: the standard library's pickletools.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from sparselab.formats.parsing.checkpoints.pickle_machine import DamagedPickle, PickleMachine

MAX_STEPS = 4_000_000
"""A tensor takes about forty."""

_MAX_INTEGER_BYTES = 255
_ESCAPED = re.compile(rb"""(?:[^\\]|\\(?:[\\'"abfnrtv]|x[0-9a-fA-F]{2}))*""", re.DOTALL)


def read_pickle(data: bytes, start: int = 0, max_steps: int = MAX_STEPS) -> tuple[Any, int, PickleMachine]:
    """Return the value of the pickle at `start`, where it ends, and the machine that read it.

    Raises: DamagedPickle.
    Example: >>> read_pickle(b"(lp0\\nI1\\naI2\\na.")[0]
             [1, 2]
    """
    machine = PickleMachine(data, start)
    return run(machine, max_steps), machine.at, machine


def run(machine: PickleMachine, max_steps: int = MAX_STEPS) -> Any:
    """Return the value at the end of a machine's pickle. Raises: DamagedPickle."""
    data = machine.data
    try:
        for _ in range(max_steps):
            opcode = data[machine.at]
            machine.at += 1
            if opcode == _STOP:
                return machine.stack.pop()
            _STEPS[opcode](machine)
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, struct.error):
        raise DamagedPickle("damaged") from None
    raise DamagedPickle("too many steps")


def _integer(data: bytes) -> int:
    if len(data) > _MAX_INTEGER_BYTES:
        raise DamagedPickle("a number of too many digits")
    return int.from_bytes(data, "little", signed=True)


def _text(data: bytes) -> str | bytes:
    # What Python 2 called a string is a text or raw bytes, and only the bytes can say which.
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _int_line(line: bytes) -> int | bool:
    return {b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line)


def _quoted(line: bytes) -> str | bytes:
    if not _ESCAPED.fullmatch(line):  # of which the codec warns, as a string in a program
        raise DamagedPickle("an escape that Python never writes")
    return _text(codecs.escape_decode(line.strip()[1:-1])[0])


def _tuple_of(machine: PickleMachine, count: int) -> None:
    if len(machine.stack) < count:
        raise DamagedPickle("too short a stack")
    machine.stack[-count:] = [tuple(machine.stack[-count:])]


def _dict(machine: PickleMachine) -> None:
    values = machine.unmark()
    machine.push({})
    machine.set(values)


def _inst(machine: PickleMachine) -> None:
    module, name = machine.line().decode(), machine.line().decode()
    args = tuple(machine.unmark())
    machine.name(module, name)
    machine.call(args)


def _obj(machine: PickleMachine) -> None:
    function, *args = machine.unmark()
    machine.push(function)
    machine.call(tuple(args))


def _new_with_keywords(machine: PickleMachine) -> None:
    keywords, args = machine.stack.pop(), machine.stack.pop()
    machine.call(args, keywords)


def _stack_global(machine: PickleMachine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise DamagedPickle("no name")
    machine.name(module, name)


def _pop(machine: PickleMachine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.unmark()


def _memoize(machine: PickleMachine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


def _extension(machine: PickleMachine, form: str) -> None:
    machine.name("copyreg", f"extension {machine.number(form)}")


def _never(machine: PickleMachine) -> NoReturn:
    raise DamagedPickle("buffers outside the pickle")


_STOP = ord(".")
_STEPS: Mapping[int, Callable[[PickleMachine], Any]] = MappingProxyType({
    ord(code): step for code, step in {
    "(": PickleMachine.mark, "0": _pop, "1": PickleMachine.unmark, "2": lambda m: m.push(m.stack[-1]),
    "N": lambda m: m.push(None), "\x88": lambda m: m.push(True), "\x89": lambda m: m.push(False),
    "I": lambda m: m.push(_int_line(m.line())), "L": lambda m: m.push(int(m.line().rstrip(b"L"))),
    "J": lambda m: m.push(m.number("<i")), "K": lambda m: m.push(m.number("B")), "M": lambda m: m.push(m.number("<H")),
    "\x8a": lambda m: m.push(_integer(m.take(m.number("B")))), "\x8b": lambda m: m.push(_integer(m.take(m.number("<i")))),
    "F": lambda m: m.push(float(m.line())), "G": lambda m: m.push(m.number(">d")),
    "S": lambda m: m.push(_quoted(m.line())), "T": lambda m: m.push(_text(m.take(m.number("<i")))),
    "U": lambda m: m.push(_text(m.take(m.number("B")))), "V": lambda m: m.push(m.line().decode("raw-unicode-escape")),
    "X": lambda m: m.push(m.take(m.number("<I")).decode("utf-8", "surrogatepass")),
    "\x8c": lambda m: m.push(m.take(m.number("B")).decode("utf-8", "surrogatepass")),
    "\x8d": lambda m: m.push(m.take(m.number("<Q")).decode("utf-8", "surrogatepass")),
    "C": lambda m: m.push(m.take(m.number("B"))), "B": lambda m: m.push(m.take(m.number("<I"))),
    "\x8e": lambda m: m.push(m.take(m.number("<Q"))), "\x96": lambda m: m.push(m.take(m.number("<Q"))),
    ")": lambda m: m.push(()), "t": lambda m: m.push(tuple(m.unmark())), "\x85": lambda m: _tuple_of(m, 1),
    "\x86": lambda m: _tuple_of(m, 2), "\x87": lambda m: _tuple_of(m, 3),
    "]": lambda m: m.push([]), "l": lambda m: m.push(m.unmark()), "a": lambda m: m.append([m.stack.pop()]),
    "e": lambda m: m.append(m.unmark()),
    "}": lambda m: m.push({}), "d": _dict,
    "s": lambda m: m.set([m.stack.pop(), m.stack.pop()][::-1]), "u": lambda m: m.set(m.unmark()),
    "\x8f": lambda m: m.push([]), "\x90": lambda m: m.append(m.unmark()), "\x91": lambda m: m.push(m.unmark()),
    "p": lambda m: _memoize(m, int(m.line())), "q": lambda m: _memoize(m, m.number("B")),
    "r": lambda m: _memoize(m, m.number("<I")), "\x94": lambda m: _memoize(m, len(m.memo)),
    "g": lambda m: m.push(m.memo[int(m.line())]), "h": lambda m: m.push(m.memo[m.number("B")]),
    "j": lambda m: m.push(m.memo[m.number("<I")]),
    "c": lambda m: m.name(m.line().decode(), m.line().decode()), "\x93": _stack_global, "i": _inst, "o": _obj,
    "R": lambda m: m.call(m.stack.pop()), "\x81": lambda m: m.call(m.stack.pop()), "\x92": _new_with_keywords,
    "b": PickleMachine.build, "P": lambda m: m.keep(m.line().decode()), "Q": lambda m: m.keep(m.stack.pop()),
    "\x82": lambda m: _extension(m, "B"), "\x83": lambda m: _extension(m, "<H"), "\x84": lambda m: _extension(m, "<i"),
    "\x80": lambda m: m.take(1), "\x95": lambda m: m.take(8), "\x97": _never, "\x98": _never,
    }.items()
})  # fmt: skip
"""What each opcode does."""
