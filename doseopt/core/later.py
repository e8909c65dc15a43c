"""Modules that are loaded when they are first used, not when they are imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any


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
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        hidden = [module for module in self.__without if module not in sys.modules]
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # as importlib documents it: not to be found
        try:
            real = importlib.import_module(self.__name__)
        finally:
            for module in hidden:
                del sys.modules[module]
        self.__dict__.update(real.__dict__)
        return getattr(real, name)


def later(name: str, without: Sequence[str] = ()) -> None:
    """Let a module be loaded when it is first used, unless it is already, or there is none.

    For a process that is one's own: a part of the module, `import a.b`, is not to be the first that is imported of it.
    A package of which the module is a part is loaded.

    Parameters
    ----------
    name : str
    without : sequence of str, optional
        Modules that it would load only to know that they are there, and that are not to be found by it.

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
        sys.modules[name] = module
        package, _, part = name.rpartition(".")
        if package:
            setattr(sys.modules[package], part, module)
