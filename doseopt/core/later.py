"""Modules and classes that are loaded when they are first used, not when they are imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

_FIRST = threading.Lock()


class Later(ModuleType):
    """A module in place of one that takes long to load: it loads that one when it is first asked for something.

    Parameters
    ----------
    name : str
    without : sequence of str
        Modules that are not to be found while it is loaded.
    """

    def __init__(self, name: str, without: Sequence[str]) -> None:
        super().__init__(name)
        self.__without = without

    def __getattr__(self, name: str) -> Any:
        """Load the module, and answer as it does."""
        with _FIRST:  # of several threads one takes it away; who then imports it first loads it, and the others wait
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        hidden = [module for module in self.__without if module not in sys.modules]
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # as importlib documents it: not to be found
        try:
            real = importlib.import_module(self.__name__)
        finally:
            for module in hidden:
                del sys.modules[module]
        for part, module in list(vars(self).items()):  # which other threads may fill
            if isinstance(module, ModuleType):
                setattr(real, part, module)  # was loaded before
        self.__dict__.update(real.__dict__)
        return getattr(real, name)


def later(name: str, without: Sequence[str] = (), alone: bool = False) -> None:
    """Let a module be loaded when it is first used, unless it is already, or there is none.

    For a part of one's own package, or a process that is one's own: a part of the module, `import a.b`, is not to be
    the first that is imported of it, unless it is one that stands alone. A package of which the module is a part is
    loaded.

    Parameters
    ----------
    name : str
    without : sequence of str, optional
        Modules that it would load only to know that they are there, and that are not to be found by it.
    alone : bool, optional
        Whether the parts that are imported first are to be loaded without it.

    Examples
    --------
    >>> later("colorsys")
    >>> import colorsys
    >>> colorsys.rgb_to_hsv(0, 0, 1)[2]
    1
    """
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is not None:
        module = Later(name, without)
        module.__spec__ = spec
        if alone:
            module.__path__ = list(spec.submodule_search_locations or [])
        sys.modules[name] = module
        package, _, part = name.rpartition(".")
        if package:
            setattr(sys.modules[package], part, module)


class Kinds(Mapping[str, type[Any]]):
    """Classes by the name of their kind, each loaded when it is asked for.

    Parameters
    ----------
    package : str
    homes : mapping of str to str
        By the kind, the module of the package, a dot, and the class.

    Examples
    --------
    >>> kinds = Kinds("email", {"text": "message.Message", "head": "header.Header"})
    >>> list(kinds), kinds["head"].__name__, kinds.kind(kinds["head"])
    (['text', 'head'], 'Header', 'head')
    """

    def __init__(self, package: str, homes: Mapping[str, str]) -> None:
        self._homes = {kind: f"{package}.{home}" for kind, home in homes.items()}

    def __getitem__(self, kind: str) -> type[Any]:
        module, _, name = self._homes[kind].rpartition(".")
        found: type[Any] = getattr(importlib.import_module(module), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def named(self, name: str) -> type[Any]:
        """Return the class of that name."""
        for kind, home in self._homes.items():
            if home.endswith(f".{name}"):
                return self[kind]
        raise AttributeError(f"no kind's class is called {name!r}")

    def kind(self, cls: type) -> str:
        """Return the kind of a class."""
        return {home: kind for kind, home in self._homes.items()}[f"{cls.__module__}.{cls.__qualname__}"]
