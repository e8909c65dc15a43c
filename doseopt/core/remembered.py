"""Results that are remembered, bounded in bytes."""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

_CLEARED: list[Callable[[], None]] = []
"""What each function that remembers does to forget."""


class Remembering[**P, R](Protocol):
    """A function that remembers its last results."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result, computed or remembered."""
        ...

    def cache_clear(self) -> None:
        """Forget everything."""
        ...

    def forget_larger(self) -> None:
        """Forget results that hold more by themselves than all together may, and give back what is free."""
        ...


def bytes_of(value: Any, seen: set[int] | None = None) -> int:
    """Return the bytes of all arrays that a value holds, each counted once."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, type):
        return 0
    if isinstance(value, np.ndarray):
        return value.nbytes if value.base is None else bytes_of(value.base, seen)
    if isinstance(value, Mapping):
        return sum(bytes_of(part, seen) for part in value.values())
    if isinstance(value, tuple | list):
        return sum(bytes_of(part, seen) for part in value)
    slots = [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
    return sum(bytes_of(part, seen) for part in (*slots, *getattr(value, "__dict__", {}).values()))


@dataclass(eq=False)
class _Kept[R]:
    """A result, and the bytes that it held when it was last counted."""

    result: R
    bytes: int = 0


def remembered[**P, R](
    most: int, entries: int = 256, one_larger: bool = False
) -> Callable[[Callable[P, R]], Remembering[P, R]]:
    """Decorate a function of hashable arguments: its last results are kept while they hold at most so many bytes.

    The newest is always kept, however large it is: who asked for it may ask again. Results may grow after they were
    returned (by what they cache themselves): those returned since another one came are counted again when one comes.

    Parameters
    ----------
    most : int
        Bytes.
    entries : int
        How many are kept at most.
    one_larger : bool
        Whether of results that hold more by themselves the last one asked for is kept, too, and not counted.
    """

    def decorate(function: Callable[P, R]) -> Remembering[P, R]:
        kept: OrderedDict[Any, _Kept[R]] = OrderedDict()
        returned: set[_Kept[R]] = set()
        lock = threading.Lock()

        @functools.wraps(function)
        def remember(*args: P.args, **kwargs: P.kwargs) -> R:
            key = (args, tuple(sorted(kwargs.items())))
            with lock:
                if key in kept:
                    kept.move_to_end(key)
                    returned.add(kept[key])
                    return kept[key].result
            newest = _Kept(function(*args, **kwargs))
            with lock:
                kept[key] = newest
                returned.add(newest)
                for each in returned:
                    each.bytes = bytes_of(each.result)
                larger = [k for k, each in kept.items() if each.bytes > most] if one_larger else []
                for k in larger[:-1]:
                    del kept[k]
                counted = [k for k in kept if k not in larger]
                while len(counted) > 1 and (sum(kept[k].bytes for k in counted) > most or len(counted) > entries):
                    del kept[counted.pop(0)]
                returned.intersection_update([newest])
            return newest.result

        def clear() -> None:
            kept.clear()
            returned.clear()

        def forget_larger() -> None:
            with lock:
                for key in [key for key, each in kept.items() if each.bytes > most]:
                    returned.discard(kept.pop(key))
            _give_back()

        _CLEARED.append(clear)
        remember.forget_larger = forget_larger  # type: ignore[attr-defined]
        remember.cache_clear = clear  # type: ignore[attr-defined]
        return remember  # type: ignore[return-value]

    return decorate


def forget() -> None:
    """Forget what all functions remember, and give back its room: what comes next asks for nothing of it."""
    for clear in _CLEARED:
        clear()
    _give_back()


def _give_back() -> None:
    """Give back what is free below what is not, which the C library of Linux keeps."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
        if trim is not None:
            trim(0)
