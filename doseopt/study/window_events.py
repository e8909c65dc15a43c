"""Events in the DLT window that are no DLT, as a study states them: how probable, and how such a patient counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import xarray as xr

from doseopt.clock.competing import READINGS, meet
from doseopt.clock.onset import Onset
from doseopt.core.parameters import Domain, Fault, Faults, check, is_number, native, nearest, param
from doseopt.core.state import FloatArray
from doseopt.scenarios.doses import Doses
from doseopt.study.reader import Reader

NAMES = {"death": "death", "transplantation": "transplantation", "dropout": "drop-out"}
FORMS = "a number in [0, 1), a list of them, one a dose, or { scenario = { NAME = number or list } }"


def _right(value: Any) -> bool:
    """Tell whether a value is one probability, or a list of them."""
    each = value if isinstance(value, tuple) and value else (value,)
    return all(is_number(v) and 0 <= v < 1 for v in each)


def not_probable(value: Any) -> str | None:
    """Say what is wrong with the probability of an event."""
    if isinstance(value, Mapping):
        inside = value.get("scenario")
        each = list(inside.values()) if isinstance(inside, Mapping) and len(value) == 1 else []
        right = bool(each) and all(_right(native(v)) for v in each)
    else:
        right = _right(value)
    return None if right else f"wanted {FORMS}, got {value!r}"


def over(probability: Any, ratio: float) -> Any:
    """Return probabilities of a study file over a window so many times as long, with the same hazard."""
    if isinstance(probability, Mapping):
        return {"scenario": {name: over(native(v), ratio) for name, v in probability["scenario"].items()}}
    if isinstance(probability, tuple):
        return tuple(over(p, ratio) for p in probability)
    return 1 - (1 - probability) ** ratio


@dataclass(frozen=True)
class Departure:
    """Patients who leave the window for another reason.

    Parameters
    ----------
    probability : float, tuple of float or mapping
        In the window without treatment effect: a number, one a dose, or `{"scenario": {name: number or tuple}}`.
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
            each = {name: native(v) for name, v in self.probability["scenario"].items()}
            object.__setattr__(self, "probability", {"scenario": each})

    def _faults(self) -> list[Fault]:
        return []

    @property
    def by_scenario(self) -> Mapping[str, Any]:
        """The probabilities of scenarios of their own, by name; none where one serves all."""
        return self.probability["scenario"] if isinstance(self.probability, Mapping) else {}

    def faults(self, scenarios: Sequence[str], doses: int) -> list[Fault]:
        """Return what does not fit the scenarios and the number of planned doses."""
        found = [
            Fault(f"probability.scenario.{name}", f"no such scenario{nearest(name, scenarios)}")
            for name in self.by_scenario
            if name not in scenarios
        ]
        missing = [name for name in scenarios if self.by_scenario and name not in self.by_scenario]
        if missing:
            found.append(Fault("probability.scenario", f"wanted one for every scenario, missing {', '.join(missing)}"))
        for value in self.by_scenario.values() or [self.probability]:
            if isinstance(value, tuple) and len(value) != doses:
                found.append(Fault("probability", f"wanted {doses} probabilities, one a dose, got {len(value)}"))
        return found

    def at(self, scenario: str | None, doses: Doses) -> FloatArray | float:
        """Return the probability in a scenario, on all doses that a trial may give."""
        if self.by_scenario and scenario is None:
            wanted = "is stated by scenario; a belief of its own wants one for all, as a number or one a dose"
            raise Faults([Fault("window_events", f"probability {wanted}")])
        value = self.by_scenario[str(scenario)] if self.by_scenario else self.probability
        return doses.on_grid(np.array([value]))[0] if isinstance(value, tuple) else float(value)

    def readings(self) -> dict[str, Departure]:
        """Return each way in which it may count, by the name of the reading."""
        found: dict[str, Departure] = {}
        for reading in READINGS:
            shares: dict[str, Any] = {"attributed": 0.0} if reading == "dlt" and self.attributed else {}
            found[reading] = replace(self, reading=reading, **shares)
        return found

    def over(self, ratio: float) -> Self:
        """Return the event in a window so many times as long, with the same hazard."""
        return replace(self, probability=over(self.probability, ratio))

    def chance(self) -> str:
        """Say how probable it is."""
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


@dataclass(frozen=True)
class WindowEvents:
    """What competes with the DLT in its window.

    Parameters
    ----------
    death, transplantation : Event, optional
    dropout : Departure, optional

    Examples
    --------
    >>> from doseopt import Event, WindowEvents
    >>> WindowEvents(death=Event(0.15, "replace", attributed=0.5)).describe()
    'death 15%, 50% called a DLT, rest replaced'
    """

    death: Event | None = param(None, kind=Event, table=Event, optional=True)
    transplantation: Event | None = param(None, kind=Event, table=Event, optional=True)
    dropout: Departure | None = param(None, kind=Departure, table=Departure, optional=True)

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self, [] if self.events else [Fault("", "wanted death, transplantation or dropout, got none")])

    @property
    def events(self) -> dict[str, Departure]:
        """Those that are stated, by name."""
        return {name: event for name, event in vars(self).items() if event is not None}

    @property
    def replaces(self) -> bool:
        """Whether patients are replaced."""
        return any(event.reading == "replace" for event in self.events.values())

    @property
    def leaves_out(self) -> bool:
        """Whether patients are left out and not replaced."""
        return any(event.reading == "exclude" for event in self.events.values())

    def faults(self, scenarios: Sequence[str], doses: int) -> list[Fault]:
        """Return what does not fit the study."""
        return [f.under(name) for name, event in self.events.items() for f in event.faults(scenarios, doses)]

    def met(self, scenarios: xr.Dataset, name: str | None, doses: Doses, onset: Onset) -> xr.Dataset:
        """Return scenarios with the DLT rates that rules meet, and how many patients are enrolled for it.

        Parameters
        ----------
        scenarios : Dataset
        name : str, optional
            Of the scenario in the study file; None for a belief.
        doses : Doses
            As planned.
        onset : Onset

        Returns
        -------
        Dataset
            With `p_observed` as it is met, `p_alone`, what it would be if nothing else happened, `hazard` of all events
            in a window, `per_evaluable`, and `p_excluded` if some are left out.
        """
        each, observed = list(self.events.values()), scenarios["p_observed"]
        others = [event.at(name, doses) for event in each]
        met = meet(observed.to_numpy(), others, [e.reading for e in each], [e.attributed for e in each], onset)
        hazard = sum((-np.log1p(-np.asarray(m)) for m in others), np.zeros(observed.shape))
        found = {
            "p_observed": (met.rate, observed.attrs["long_name"]),
            "p_alone": (observed.to_numpy(), "rate of DLTs alone"),
            "hazard": (hazard, "hazard of all other events in a window"),
            "per_evaluable": (met.per_evaluable, "enrolled for one evaluable"),
        }
        if self.leaves_out:
            found["p_excluded"] = met.excluded, "probability that a patient who is not replaced is left out"
        about = {n: (observed.dims, v, {"units": "1", "long_name": text}) for n, (v, text) in found.items()}
        return scenarios.assign(about)

    def describe(self) -> str:
        """Say what can happen, and how it counts."""
        return "; ".join(f"{NAMES[name]} {event.describe()}" for name, event in self.events.items())


def having(events: WindowEvents | None, name: str, event: Departure | None) -> WindowEvents | None:
    """Return events with one of them as given, or left out; None if nothing remains."""
    each = ({} if events is None else events.events) | {name: event}
    given: dict[str, Any] = {name: event for name, event in each.items() if event is not None}
    return WindowEvents(**given) if given else None


def read_window_events(reader: Reader, table: Any, dropout: Any) -> WindowEvents | None:
    """Build the window events of a study file, which may state drop-out in a table of its own, as files did before.

    Parameters
    ----------
    reader : Reader
    table, dropout : Any
        What stands under `window_events` and `dropout`, None for nothing. `rate` of the second is the probability of a
        drop-out that is replaced.
    """
    rate = 0.0
    if dropout is not None:
        found = reader.table(dropout, "dropout", ["rate"]).get("rate", 0.0)
        rate = reader.value(found, "dropout.rate", Domain(float, 0, 1, open_high=True)) or 0.0
        if isinstance(table, Mapping) and "dropout" in table:
            reader.fault("dropout", "wanted drop-out stated once, got it in window_events.dropout, too")
    if table is None:
        return WindowEvents(dropout=Departure(rate, "replace")) if rate else None
    given = {"dropout": Departure(rate, "replace")} if rate else {}
    built: WindowEvents | None = reader.build(WindowEvents, table, "window_events", given)
    return built
