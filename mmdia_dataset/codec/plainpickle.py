"""What a pickle of arrays and plain values says. Nothing that it names is imported or called.

A pickle is a program for a small stack machine, and `pickle.load` runs it: it imports what the program names, and calls
it. This machine knows the few instructions that build dicts, lists, tuples, strings and numbers, and four names of
numpy, which stand for "an array" and "a type of numbers". It refuses every other instruction and every other name.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.errors import shown

__all__ = ["NotPlain", "PickledArray", "read_pickle"]

_MOST_INSTRUCTIONS = 2000
"""A `.dac` file has about 150."""

_MOST_AXES = 8
_NAMES = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    **{
        (f"numpy.{core}.multiarray", name): name
        for core in ("core", "_core")  # before numpy 2, and since
        for name in ("_reconstruct", "scalar")
    },
}
_KIND = re.compile(r"b1|[iu][1248]|f[248]|O8?")
_VALUES = {
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_DAMAGED = "it is damaged"


class NotPlain(ValueError):
    """A pickle is damaged, or holds something else than arrays and plain values; the message says what."""


@dataclass(frozen=True, slots=True)
class _Name:
    """One of numpy's names that are understood."""

    name: str


@dataclass(slots=True)
class _Kind:
    """A type of numbers: as numpy writes it without the order of bytes, and that order."""

    code: str
    order: str = "="

    def dtype(self) -> np.dtype[Any]:
        if self.code.startswith("O"):
            raise NotPlain("it holds an array of objects where there should be numbers")
        return np.dtype(self.code).newbyteorder("=" if self.order == "|" else self.order)  # type: ignore[arg-type]


class PickledArray:
    """An array as it stands in a pickle.

    Attributes:
        shape: its axes.
        objects: what it holds, if that is not numbers.
    """

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self.objects: list[Any] | None = None
        self._kind: _Kind | None = None
        self._columns_first = False
        self._content = b""

    def numbers(self) -> NDArray[Any]:
        """The array itself. Raises NotPlain if it holds objects."""
        if self._kind is None or self.objects is not None:
            raise NotPlain("it holds an array of objects where there should be numbers")
        order = "F" if self._columns_first else "C"
        return np.frombuffer(self._content, self._kind.dtype()).reshape(self.shape, order=order)  # type: ignore[call-overload,no-any-return]

    def fill(self, state: Any) -> None:
        """Take shape, type and content, as numpy hands them over. Raises NotPlain where they do not fit together."""
        match state:
            case (1, tuple() as shape, _Kind() as kind, bool() as columns_first, (bytes() | list()) as content):
                pass
            case _:
                raise NotPlain(_DAMAGED)
        if self._kind is not None or len(shape) > _MOST_AXES or not all(_is_size(length) for length in shape):
            raise NotPlain(_DAMAGED)
        count = math.prod(shape)
        if isinstance(content, list):
            if not kind.code.startswith("O") or len(content) != count:
                raise NotPlain(_DAMAGED)
            self.objects = content
        elif (claimed := count * kind.dtype().itemsize) != len(content):
            raise NotPlain(
                f"it claims to hold {shown(f'{claimed:,}', 60)} bytes of numbers, and holds {len(content):,}"
            )
        else:
            self._content = content
        self.shape, self._kind, self._columns_first = shape, kind, columns_first


def read_pickle(content: bytes) -> Any:
    """The value that a pickle holds: plain values, and `PickledArray`s.

    Args:
        content: the pickle, and nothing after it.

    Raises:
        NotPlain: it is damaged, or would import, call or make anything else.
    """
    machine = _Machine()
    end = -1
    try:
        for instruction, argument, place in pickletools.genops(io.BytesIO(content)):
            machine.do(instruction.name, argument)
            end = place or 0
    except NotPlain:
        raise
    except ValueError:  # from pickletools: cut off, or no instruction at all
        raise NotPlain("it is cut off or damaged") from None
    if end != len(content) - 1:
        raise NotPlain("something follows its end")
    return machine.result()


class _Machine:
    """The stack, and what was put aside."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._done = 0
        self._ended: Any = self

    def result(self) -> Any:
        """What is left at the end."""
        if self._ended is self or self._stack or self._marked:
            raise NotPlain(_DAMAGED)
        return self._ended

    def do(self, name: str, argument: Any) -> None:
        """One instruction."""
        self._done += 1
        if self._done > _MOST_INSTRUCTIONS:
            raise NotPlain("it has more instructions than a file of sound needs")
        if name in _VALUES:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            items = [self._pop() for _ in range(_TUPLES[name])]
            self._stack.append(tuple(reversed(items)))
        elif (handler := _HANDLERS.get(name)) is not None:
            handler(self, argument)
        else:
            raise NotPlain(f"it holds the instruction {name}, which a file of sound has no use for; nothing was run")

    def _pop(self) -> Any:
        if not self._stack:
            raise NotPlain(_DAMAGED)
        return self._stack.pop()

    def _top(self) -> Any:
        if not self._stack:
            raise NotPlain(_DAMAGED)
        return self._stack[-1]

    def _since_mark(self) -> list[Any]:
        if not self._marked:
            raise NotPlain(_DAMAGED)
        items = self._stack
        self._stack = self._marked.pop()
        return items

    def nothing(self, _: Any) -> None:
        """What says only how the rest is stored."""

    def mark(self, _: Any) -> None:
        """Remember where a row of values begins."""
        self._marked.append(self._stack)
        self._stack = []

    def tuple_(self, _: Any) -> None:
        """All values since the mark as one."""
        items = self._since_mark()  # first, for it brings back another stack
        self._stack.append(tuple(items))

    def empty(self, made: type[list[Any]] | type[dict[str, Any]]) -> None:
        """A new list or dict."""
        self._stack.append(made())

    def append(self, values: list[Any]) -> None:
        """Values into the list that lies below them."""
        if not isinstance(self._top(), list):
            raise NotPlain(_DAMAGED)
        self._stack[-1].extend(values)

    def set_items(self, values: list[Any]) -> None:
        """Keys and values into the dict that lies below them."""
        keys = values[::2]
        if not isinstance(self._top(), dict) or len(values) % 2 or not all(isinstance(key, str) for key in keys):
            raise NotPlain(_DAMAGED)
        self._stack[-1].update(zip(keys, values[1::2], strict=True))

    def put(self, number: int | None) -> None:
        """Keep the topmost value for later."""
        self._memo[len(self._memo) if number is None else number] = self._top()

    def get(self, number: int) -> None:
        """A value kept earlier."""
        if number not in self._memo:
            raise NotPlain(_DAMAGED)
        self._stack.append(self._memo[number])

    def named(self, module: Any, name: Any) -> None:
        """What `pickle.load` would import."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise NotPlain(_DAMAGED)
        if (module, name) not in _NAMES:
            what = shown(f"{module}.{name}", 80)
            raise NotPlain(f"it would import {what}, which a file of sound has no use for; nothing was run")
        self._stack.append(_Name(_NAMES[module, name]))

    def call(self, _: Any) -> None:
        """What `pickle.load` would call."""
        arguments, function = self._pop(), self._pop()
        match function, arguments:
            case _Name("_reconstruct"), (_Name("ndarray"), (0,), b"b"):
                self._stack.append(PickledArray())
            case _Name("dtype"), (str() as code, bool(), bool()) if _KIND.fullmatch(code):
                self._stack.append(_Kind(code))
            case _Name("scalar"), (_Kind() as kind, bytes() as content) if len(content) == kind.dtype().itemsize:
                self._stack.append(np.frombuffer(content, kind.dtype())[0].item())
            case _Name("dtype"), (str() as code, *_):
                raise NotPlain(f"it holds an array of type {shown(code, 40)!r}, where there should be numbers")
            case _:
                raise NotPlain(_DAMAGED)

    def build(self, _: Any) -> None:
        """Give an array, or a type of numbers, what belongs to it."""
        state, what = self._pop(), self._top()
        match what, state:
            case PickledArray(), _:
                what.fill(state)
            case _Kind(), (3, ("<" | ">" | "|" | "=") as order, None, None, None, -1, -1, int()):
                what.order = order
            case _:
                raise NotPlain(_DAMAGED)

    def stop(self, _: Any) -> None:
        """The end."""
        self._ended = self._pop()


_HANDLERS: dict[str, Any] = {
    **dict.fromkeys(("PROTO", "FRAME"), _Machine.nothing),
    **dict.fromkeys(("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple_,
    "EMPTY_LIST": lambda machine, _: machine.empty(list),
    "EMPTY_DICT": lambda machine, _: machine.empty(dict),
    "APPEND": lambda machine, _: machine.append([machine._pop()]),
    "APPENDS": lambda machine, _: machine.append(machine._since_mark()),
    "SETITEM": lambda machine, _: machine.set_items([machine._pop(), machine._pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine._since_mark()),
    "GLOBAL": lambda machine, argument: machine.named(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.named(*[machine._pop(), machine._pop()][::-1]),
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
    "STOP": _Machine.stop,
}


def _is_size(length: Any) -> bool:
    return type(length) is int and 0 <= length < 2**63
