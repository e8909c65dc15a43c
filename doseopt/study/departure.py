"""An event that takes a patient out of the DLT window: how probable it is, and how such a patient counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from doseopt.clock.competing import READINGS
from doseopt.core.parameters import Fault, Faults, check, is_number, native, nearest, param
from doseopt.core.state import FloatArray
from doseopt.scenarios.doses import Doses
from doseopt.study.populations import Populations, untold

FORMS = (
    "a number in [0, 1), a list of them, one a dose, { POPULATION = number or list } or "
    "{ scenario = { NAME = number or list } }"
)


def _right(value: Any) -> bool:
    """Tell whether a value is one probability, or a list of them."""
    each = value if isinstance(value, tuple) and value else (value,)
    return all(is_number(v) and 0 <= v < 1 for v in each)


def not_probable(value: Any) -> str | None:
    """Say what is wrong with the probability of an event."""
    if isinstance(value, Mapping):
        inside = value.get("scenario") if "scenario" in value and len(value) == 1 else value
        each = list(inside.values()) if isinstance(inside, Mapping) else []
        right = bool(each) and all(_right(native(v)) for v in each)
    else:
        right = _right(value)
    return None if right else f"wanted {FORMS}, got {value!r}"


NEARLY_ONE = float(np.nextafter(1, 0))
"""Of a window so long that nobody stays to its end, as far as numbers tell."""


def over(probability: Any, ratio: float) -> Any:
    """Return probabilities of a study file over a window so many times as long, with the same hazard."""
    if isinstance(probability, Mapping):
        return {name: over(native(v), ratio) for name, v in probability.items()}
    if isinstance(probability, tuple):
        return tuple(over(p, ratio) for p in probability)
    return min(1 - (1 - probability) ** ratio, NEARLY_ONE)


@dataclass(frozen=True)
class Departure:
    """Patients who leave the window for another reason.

    Parameters
    ----------
    probability : float, tuple of float or mapping
        In the window without treatment effect: a number, one a dose, `{population: number or tuple}`, or
        `{"scenario": {name: number or tuple}}`.
    reading : str
        How such a patient counts: `dlt`, `replace`, `complete` or `exclude`.

    Examples
    --------
    >>> from doseopt import Departure
    >>> Departure(0.10, "replace").describe()
    '10%, replaced'
    """

    probability: Any = param(kind=object, custom=not_probable, doc=FORMS)
    reading: str = param(choices=tuple(READINGS), doc="how such a patient counts: one of " + ", ".join(READINGS))

    attributed = 0.0

    def __post_init__(self) -> None:
        """Check the declared parameters, and keep lists as tuples."""
        check(self, self._faults)
        if isinstance(self.probability, Mapping):
            named = {name: native(v) for name, v in self._named.items()}
            by_scenario = "scenario" in self.probability
            object.__setattr__(self, "probability", {"scenario": named} if by_scenario else named)

    def _faults(self) -> list[Fault]:
        return []

    @property
    def _named(self) -> Mapping[str, Any]:
        """The probabilities by the name of a scenario or a population; none where one serves all."""
        return self.probability.get("scenario", self.probability) if isinstance(self.probability, Mapping) else {}

    @property
    def by_scenario(self) -> Mapping[str, Any]:
        """The probabilities of scenarios of their own, by name."""
        return self._named if self._named and "scenario" in self.probability else {}

    @property
    def by_population(self) -> Mapping[str, Any]:
        """The probabilities of populations of their own, by name."""
        return {} if self.by_scenario else self._named

    def faults(self, scenarios: Sequence[str], doses: int, populations: Populations | None) -> list[Fault]:
        """Return what does not fit the scenarios, the number of planned doses, and the populations."""
        found = [
            Fault(f"probability.scenario.{name}", f"no such scenario{nearest(name, scenarios)}")
            for name in self.by_scenario
            if name not in scenarios
        ]
        missing = [name for name in scenarios if self.by_scenario and name not in self.by_scenario]
        if missing:
            found.append(Fault("probability.scenario", f"wanted one for every scenario, missing {', '.join(missing)}"))
        found += untold(populations, list(self.by_population)) if self.by_population else []
        for value in self._named.values() or [self.probability]:
            if isinstance(value, tuple) and len(value) != doses:
                found.append(Fault("probability", f"wanted {doses} probabilities, one a dose, got {len(value)}"))
        return found

    def at(self, scenarios: Sequence[str] | None, doses: Doses, population: str | None = None) -> FloatArray:
        """Return the probability in scenarios and a population on all doses that a trial may give, [R, D] or [1, D]."""
        if self.by_scenario and scenarios is None:
            wanted = "is stated by scenario; a belief of its own wants one for all, as a number or one a dose"
            raise Faults([Fault("window_events", f"probability {wanted}")])
        names = (scenarios or ()) if self.by_scenario else (population,)
        values = [self._named[str(name)] if self._named else self.probability for name in names]
        each = [doses.on_grid(np.array([v]))[0] if isinstance(v, tuple) else float(v) for v in values]
        return np.array([np.broadcast_to(value, len(doses.grid().labels)) for value in each])

    def exceeds(self, other: Departure) -> bool:
        """Tell whether it is more probable than another anywhere, as far as both are stated alike."""
        one, two = (each._named or {"": each.probability} for each in (self, other))
        pairs = [(np.atleast_1d(one[name]), np.atleast_1d(two[name])) for name in one.keys() & two.keys()]
        return any((a > b).any() for a, b in pairs if len(a) == len(b) or 1 in (len(a), len(b)))

    def readings(self) -> dict[str, Departure]:
        """Return each way in which it may count, by the name of the reading."""
        found: dict[str, Departure] = {}
        for reading in READINGS:
            shares: dict[str, Any] = {"attributed": 0.0} if reading == "dlt" and self.attributed else {}
            found[reading] = replace(self, reading=reading, **shares)
        return found

    def of(self, population: str) -> Self:
        """Return the event in one population."""
        return replace(self, probability=self.by_population.get(population, self.probability))

    def over(self, ratio: float) -> Self:
        """Return the event in a window so many times as long, with the same hazard."""
        return replace(self, probability=over(self.probability, ratio))

    def chance(self) -> str:
        """Say how probable it is."""
        if self.by_population:
            each = (f"{name} {replace(self, probability=p).chance()}" for name, p in self.by_population.items())
            return ", ".join(each)
        values = [v for p in self.by_scenario.values() or [self.probability] for v in np.atleast_1d(p)]
        low, high = (f"{float(f'{100 * of(values):.3g}'):g}" for of in (min, max))
        return f"{low if low == high else f'{low} to {high}'}%"

    def describe(self) -> str:
        """Say how probable it is, and how a patient counts."""
        return f"{self.chance()}, {self.counted()}"

    def counted(self) -> str:
        """Say how a patient counts."""
        share = f"{100 * self.attributed:g}% called a DLT, rest " if self.attributed else ""
        return f"{share}{READINGS[self.reading]}"


@dataclass(frozen=True)
class Event(Departure):
    """Deaths or transplantations in the window; a share `attributed` of them is called a DLT.

    Examples
    --------
    The same hazard in a window twice as long:

    >>> from doseopt import Event
    >>> Event(0.15, "exclude", attributed=0.5).over(2).describe()
    '27.8%, 50% called a DLT, rest left out and not replaced'
    """

    attributed: float = param(0.0, low=0, high=1, doc="share that is attributed to treatment and called a DLT")

    def _faults(self) -> list[Fault]:
        if self.reading == "dlt" and self.attributed:
            wanted = "wanted none where every such event counts as a DLT (reading = 'dlt')"
            return [Fault("attributed", f"{wanted}, got {self.attributed!r}")]
        return []
