"""Modules that are loaded when they are first used, not when they are imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


class Later(ModuleType):
    """A module in place of one that takes long to load: it loads that one when it is first asked for something."""

    def __getattr__(self, name: str) -> Any:
        """Load the module, and answer as it does."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        real = importlib.import_module(self.__name__)
        self.__dict__.update(real.__dict__)
        return getattr(real, name)


def later(name: str) -> None:
    """Let a module be loaded when it is first used, unless it is already, or there is none.

    For a process that is one's own: a part of the module, `import a.b`, is not to be the first that is imported of it.

    Examples
    --------
    >>> later("colorsys")
    >>> import colorsys
    >>> colorsys.rgb_to_hsv(0, 0, 1)[2]
    1
    """
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is not None:
        module = Later(name)
        module.__spec__ = spec
        sys.modules[name] = module
