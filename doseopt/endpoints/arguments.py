"""Arguments of the endpoints: arrays of numbers or of yes and no, whose faults are collected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import BoolArray, FloatArray
from doseopt.core.text import shortened

MOST_SHOWN = 60
"""Letters of what came."""

NOTHING = np.array(np.nan)


@dataclass
class Arguments:
    """Arguments that are read one by one; what is wrong with them is kept until `done`."""

    faults: list[Fault] = field(default_factory=list)

    def numbers(self, name: str, value: Any, low: float, high: float, wanted: str, missing: bool = False) -> FloatArray:
        """Return numbers in [low, high]; NaN only where they may be missing."""
        array = _plain(value, "iuf")
        if array is None:
            return self._refuse(name, wanted, value)
        array = array.astype(np.float64)
        wrong = ~((array >= low) & (array <= high)) & ~(np.isnan(array) & missing)
        if wrong.any():
            return self._refuse(name, wanted, array, wrong)
        return array

    def flags(self, name: str, value: Any) -> BoolArray:
        """Return yes and no, which 1 and 0 are as well."""
        array = _plain(value, "biuf")
        wrong = None if array is None else (array != 0) & (array != 1)
        if array is None or wrong is None or wrong.any():
            self._refuse(name, "True or False, or 1 or 0", value if array is None else array, wrong)
            return np.zeros((), bool)
        return array.astype(bool)

    def choice(self, name: str, value: Any, known: tuple[str, ...]) -> None:
        """Hold a word to those that are known."""
        if not isinstance(value, str) or value not in known:
            hint = nearest(value, known) if isinstance(value, str) else ""
            self.refuse(name, f"wanted one of {', '.join(map(repr, known))}, got {shown(value)}{hint}")

    def together(self, **arrays: Any) -> None:
        """Hold arrays to shapes that go together."""
        try:
            np.broadcast_shapes(*(array.shape for array in arrays.values()))
        except ValueError:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items() if array.ndim)
            self.refuse("", f"wanted numbers, or arrays of shapes that go together, got {shapes}")

    def refuse(self, where: str, message: str) -> None:
        """Keep a fault."""
        self.faults.append(Fault(where, message))

    def done(self, title: str) -> None:
        """Refuse everything that was wrong.

        Raises
        ------
        Faults
            If anything was.
        """
        if self.faults:
            raise Faults(self.faults, title)

    def _refuse(self, name: str, wanted: str, value: Any, wrong: BoolArray | None = None) -> FloatArray:
        got, where = value, name
        if wrong is not None:
            first = tuple(int(i) for i in np.argwhere(wrong)[0])
            got, where = value[first].item(), f"{name}[{', '.join(map(str, first))}]" if first else name
        more = f" and in {int(wrong.sum()) - 1} more" if wrong is not None and wrong.sum() > 1 else ""
        self.refuse(where, f"wanted {wanted}, got {shown(got)}{more}")
        return NOTHING


def _plain(value: Any, kinds: str) -> np.ndarray[Any, Any] | None:
    """Return a value as an array of one of the kinds, None if it is none; None in it is missing."""
    try:
        array = np.asarray(value)
        if array.dtype == object and array.size and not any(isinstance(v, str | bytes | bool) for v in array.flat):
            array = array.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    return array if array.dtype.kind in kinds or array.size == 0 else None


def shown(value: Any) -> str:
    """Return what came as a message shows it."""
    try:
        return shortened(repr(value), MOST_SHOWN)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of too many digits"


def number_or_array(array: FloatArray) -> FloatArray | float:
    """Return a number where numbers were given."""
    return float(array) if array.ndim == 0 else array
