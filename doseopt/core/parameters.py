"""Parameters declared once: validation, error texts and the study file all read the same line.

A design, modifier or rule is a frozen dataclass whose fields are made with :func:`param`. Its ``__post_init__`` calls
:func:`check`, which reports every fault of the object at once. The study file reader (``study.py``) and the test-data
strategies read the same declarations through :func:`declared`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from doseopt.core.text import MOST_NAME, neutral, shortened

MOST_DOSES = 1_000
"""Doses of a design."""
MOST_WHERE, MOST_MESSAGE, MOST_FAULTS = 1_000, 2_000, 100
"""Letters of a place and of a message, and faults that are listed, at the most."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input: where it is, and what was wanted, what came, the nearest right thing."""

    where: str
    message: str

    def __post_init__(self) -> None:
        """Keep within bounds what a hostile input makes long, and show characters of it that nobody sees."""
        object.__setattr__(self, "where", shortened(self.where, MOST_WHERE))
        object.__setattr__(self, "message", neutral(shortened(self.message, MOST_MESSAGE)))

    def under(self, prefix: str) -> Fault:
        """Return the same fault seen from one level further out."""
        joint = "" if not prefix or not self.where or self.where.startswith("[") else "."
        return Fault(f"{prefix}{joint}{self.where}", self.message)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class Faults(ValueError):
    """Everything that is wrong with an input, reported together.

    Parameters
    ----------
    faults : iterable of Fault
    title : str
        What was being read, e.g. the path of a study file.

    Examples
    --------
    >>> from doseopt import BOIN, Faults
    >>> try:
    ...     BOIN(doses=4, target=25)
    ... except Faults as faults:
    ...     print(faults.faults[0])
    target: wanted a number in (0, 1), got 25
    """

    def __init__(self, faults: Iterable[Fault], title: str = "") -> None:
        self.faults = tuple(faults)
        self.title = title
        lines = [str(f) for f in self.faults[:MOST_FAULTS]]
        if len(self.faults) > MOST_FAULTS:
            lines.append(f"... and {len(self.faults) - MOST_FAULTS:,} more")
        if title:
            many = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
            lines = [f"{title}: {many}", *(f"  {line}" for line in lines)]
        super().__init__("\n".join(lines))


def demand(right: bool, where: str, wanted: str, value: object) -> None:
    """Refuse an argument that is not what is wanted.

    Raises
    ------
    Faults
        Unless it is right.
    """
    if not right:
        raise Faults([Fault(where, f"wanted {wanted}, got {quoted(repr(value))}")])


def quoted(text: str, most: int = 60) -> str:
    """Return a text of unknown length as a message shows it: in quotation marks, shortened, control characters named.

    Examples
    --------
    >>> print(quoted("x" * 100, most=3))
    'xxx'... (100 letters)
    """
    return repr(text) if len(text) <= most else f"{text[:most]!r}... ({len(text)} letters)"


def close(word: str, known: Iterable[str]) -> list[str]:
    """Return the nearest known name, if one is near."""
    return difflib.get_close_matches(word[:MOST_NAME], list(known), n=1, cutoff=0.6)  # its time grows with the square


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or a list of the known names."""
    names = list(known)
    if found := close(word, names):
        return f"; did you mean {found[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


@dataclass(frozen=True)
class Domain:
    """The values a parameter may take."""

    kind: type | tuple[type, ...]
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    choices: tuple[Any, ...] = ()
    optional: bool = False
    custom: Callable[[Any], str | None] | None = None
    table: type | None = None
    """Class of a nested table that may stand here in a study file."""
    file: Callable[[Path], Any] | None = None
    """Reads the value from a file, whose name may stand here in a study file."""
    readings: tuple[Any, ...] = ()
    """Values that a protocol which is silent on it may mean; all of them where there are choices."""
    declares: bool = False
    """Whether it says which dose is declared the MTD and nothing else: no dose given, no end of a trial."""

    def wanted(self) -> str:
        """Say the domain in words."""
        if self.choices:
            return "one of " + ", ".join(repr(c) for c in self.choices)
        if self.kind is bool:
            return "true or false"
        nouns: dict[Any, str] = {int: "a whole number", float: "a number", str: "text"}
        other = f"a {self.kind.__name__}" if isinstance(self.kind, type) else "a value"
        noun = nouns.get(self.kind) or (other if self.table is None else "a table")
        if self.low > -math.inf and self.high < math.inf:
            left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
            return f"{noun} in {left}{self.low:g}, {self.high:g}{right}"
        if self.low > -math.inf:
            return f"{noun} {'above' if self.open_low else 'of at least'} {self.low:g}"
        return noun

    def fault(self, value: Any) -> str | None:
        """Return what is wrong with a value, or None."""
        if value is None and self.optional:
            return None
        if self.custom is not None:
            return self.custom(value)
        if self.choices:
            if value in self.choices:
                return None
            hint = nearest(str(value), [str(c) for c in self.choices]) if isinstance(value, str) else ""
            return f"wanted {self.wanted()}, got {value!r}" + (hint if hint.startswith("; did") else "")
        numeric = self.kind in (int, float)
        right = isinstance(value, (int, float) if self.kind is float else self.kind)
        if not right or (numeric and isinstance(value, bool)):
            return f"wanted {self.wanted()}, got {value!r}"
        if numeric:
            below = value < self.low or (self.open_low and value == self.low)
            above = value > self.high or (self.open_high and value == self.high)
            if below or above or not is_number(value):
                return f"wanted {self.wanted()}, got {_shown(value)}"
        return None


MOST = 2**63
"""Where numbers end: no patient, dose or seed is as large, and beyond it sums lose what they are made of."""


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number, and no yes or no."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -MOST <= value < MOST if isinstance(value, int) else math.isfinite(value)


def are_numbers(values: Any) -> TypeGuard[tuple[float, ...]]:
    """Tell whether a value is a tuple of finite numbers."""
    return isinstance(values, tuple) and all(is_number(v) for v in values)


def interval_fault(value: Any) -> str | None:
    """Return what is wrong with an interval of DLT rates, or None."""
    if are_numbers(value) and len(value) == 2 and 0 < value[0] < value[1] < 1:
        return None
    return f"wanted two increasing rates in (0, 1), got {value!r}"


def _shown(value: Any) -> str:
    """Show a value; of a whole number only that it is too large, since Python does not write every one."""
    return "a number of more than 64 bits" if isinstance(value, int) and abs(value) > MOST else repr(value)


def param(default: Any = dataclasses.MISSING, *, doc: str = "", kind: Any = None, **domain: Any) -> Any:
    """Declare a dataclass field together with the values it may take.

    Parameters
    ----------
    default : any, optional
        Left out: the parameter is required.
    doc : str
        One line for reports and help.
    kind : type, optional
        Type of the value; that of the default when left out.
    **domain
        Further fields of :class:`Domain`: ``low``, ``high``, ``open_low``, ``open_high``, ``choices``, ``optional``,
        ``custom``, ``table``, ``file``, ``readings``, ``declares``.
    """
    kind = kind or (type(default) if default is not dataclasses.MISSING else object)
    return dataclasses.field(default=default, metadata={"domain": Domain(kind, **domain), "doc": doc})


def declared(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """Return the fields of a dataclass that were made with :func:`param`, in order."""
    return {f.name: f for f in dataclasses.fields(cls) if "domain" in f.metadata}


def written(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """Return what `declared` does, by the keys of a study file: `from_`, as Python keeps `from` back, is `from`."""
    return {name.removesuffix("_"): field for name, field in declared(cls).items()}


def faults_of(cls: type, values: Mapping[str, Any]) -> list[Fault]:
    """Return the faults of single values, before the object is made."""
    found = []
    for name, field in declared(cls).items():
        if name in values:
            message = field.metadata["domain"].fault(values[name])
            if message:
                found.append(Fault(name.removesuffix("_"), message))
    return found


def native(value: Any) -> Any:
    """Return a value as Python has it: tuples for lists and arrays, at every depth, Python's numbers for NumPy's."""
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        value = value.tolist()
    return tuple(native(v) for v in value) if isinstance(value, list | tuple) else value


def check(obj: Any, further: Iterable[Fault] | Callable[[], Iterable[Fault]] = ()) -> None:
    """Make the parameters of a dataclass object native, and raise :class:`Faults` with everything wrong with them.

    Parameters
    ----------
    obj : dataclass instance
    further : iterable of Fault, or callable that returns one
        Faults between parameters, which no single declaration can state; a callable sees the native values.
    """
    for name in declared(type(obj)):
        object.__setattr__(obj, name, native(getattr(obj, name)))
    found = faults_of(type(obj), {name: getattr(obj, name) for name in declared(type(obj))})
    try:
        found += further() if callable(further) else further
    except (TypeError, AttributeError, ArithmeticError):
        if not found:  # else a value of the wrong type is named already, and nothing can be said of how it fits others
            raise
    if found:
        raise Faults(found, type(obj).__name__)
