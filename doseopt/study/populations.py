"""Populations of a study that differ in what happens in the DLT window, and in which shares they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from doseopt.core.parameters import Fault, check, is_number, native, param
from doseopt.core.text import name_fault
from doseopt.study.reader import key

SHARES = "a table of populations with their shares, above 0 and 1 in all, as { CLF = 0.4, ACLF = 0.6 }"


def _not_shares(value: Any) -> str | None:
    """Say what is wrong with shares."""
    if not isinstance(value, Mapping) or len(value) < 2 or not all(is_number(v) and v > 0 for v in value.values()):
        return f"wanted {SHARES}, got {value!r}"
    if abs(sum(value.values()) - 1) > 1e-9:
        return f"wanted {SHARES}, got a sum of {sum(value.values()):g}"
    wrong = [found for name in value if (found := name_fault(name))]
    if "scenario" in value:
        wrong.append("wanted another name than 'scenario', which stands for the scenarios")
    return "; ".join(wrong) or None


@dataclass(frozen=True)
class Populations:
    """The populations that patients come from, each with the share of the patients who are of it.

    Parameters
    ----------
    shares : mapping of str to float
        By name; each patient is of one of them, whoever came before.

    Examples
    --------
    >>> from doseopt import Populations
    >>> Populations({"CLF": 0.4, "ACLF": 0.6}).describe()
    'CLF 40%, ACLF 60%'
    """

    shares: Mapping[str, float] = param(kind=object, custom=_not_shares, doc=SHARES)

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)
        object.__setattr__(self, "shares", {name: float(native(share)) for name, share in self.shares.items()})

    def describe(self) -> str:
        """Say in which shares they come."""
        return ", ".join(f"{name} {100 * share:.3g}%" for name, share in self.shares.items())


def untold(populations: Populations | None, named: Sequence[str]) -> list[Fault]:
    """Return why probabilities by population do not fit the populations of a study.

    Parameters
    ----------
    populations : Populations, optional
    named : sequence of str
        Those that have a probability.
    """
    if populations is None:
        return [Fault("probability", f"wanted the shares of {', '.join(named)} beside it, in [populations]; got none")]
    known = list(populations.shares)
    found = [
        Fault(f"probability.{key(name)}", f"wanted one of {', '.join(known)}") for name in named if name not in known
    ]
    missing = [name for name in known if name not in named]
    return found + [Fault("probability", f"wanted one for every population, missing {', '.join(missing)}")] * bool(
        missing
    )
