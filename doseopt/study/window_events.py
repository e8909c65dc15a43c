"""Events in the DLT window that are no DLT, as a study states them: how probable, and how such a patient counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.competing import meet, mixed
from doseopt.clock.onset import Onset
from doseopt.core.parameters import Domain, Fault, check, param
from doseopt.scenarios.doses import Doses
from doseopt.study.departure import Departure, Event
from doseopt.study.populations import Populations
from doseopt.study.reader import Reader
from doseopt.study.said import Said

DROPOUT = {"rate": Said("probability of dropping out in the window", Domain(float, 0, 1, open_high=True), 0.0, 0.1)}
NAMES = {"death": "death", "transplantation": "transplantation", "dropout": "drop-out"}
BY_POPULATION = {"rate_met": "rate", "p_removed": "removed", "p_left_out": "left_out"}
"""Variables of scenarios, and what of `Met` they are."""


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

    @property
    def by_population(self) -> bool:
        """Whether populations have probabilities of their own."""
        return any(event.by_population for event in self.events.values())

    def faults(self, scenarios: Sequence[str], doses: int, populations: Populations | None) -> list[Fault]:
        """Return what does not fit the study."""
        each = self.events.items()
        return [f.under(name) for name, event in each for f in event.faults(scenarios, doses, populations)]

    def of(self, population: str) -> WindowEvents:
        """Return what competes with the DLT in one population."""
        each: dict[str, Any] = {name: event.of(population) for name, event in self.events.items()}
        return replace(self, **each)

    def unbelieved(self) -> list[Fault]:
        """Return the probabilities by scenario, which a belief of its own, in rates of no scenario, cannot use."""
        wanted = (
            "wanted one for all, a number, one a dose or by population, beside a [belief] of its own: the DLT rates "
            "believed are those of no scenario"
        )
        by_scenario = [name for name, event in self.events.items() if event.by_scenario]
        return [Fault(f"{name}.probability.scenario", wanted) for name in by_scenario]

    def met(
        self,
        scenarios: xr.Dataset,
        names: Sequence[str] | None,
        doses: Doses,
        onset: Onset,
        populations: Populations | None = None,
    ) -> xr.Dataset:
        """Return scenarios with the DLT rates that rules meet, and how many patients are enrolled for it.

        Parameters
        ----------
        scenarios : Dataset
        names : sequence of str, optional
            Of each scenario in the study file; None for a belief.
        doses : Doses
            As planned.
        onset : Onset
        populations : Populations, optional
            Of the study, where they have probabilities of their own: patients come as they are mixed.

        Returns
        -------
        Dataset
            With `p_observed` as it is met, `p_alone`, what it would be if nothing else happened, `per_evaluable`, and
            `p_excluded` if some are left out; by population the `hazard` of all events in a window, and `rate_met`,
            `p_removed` and `p_left_out`, as of `Met`, with its `share` of the patients.
        """
        each, observed = list(self.events.values()), scenarios["p_observed"]
        shares = populations.shares if populations is not None and self.by_population else {None: 1.0}
        others = [[event.at(names, doses, of) for event in each] for of in shares]
        how = [e.reading for e in each], [e.attributed for e in each]
        met = [meet(observed.to_numpy(), m, *how, onset) for m in others]
        all_of_them = mixed(met, list(shares.values()))
        found = {
            "p_observed": (all_of_them.rate, observed.attrs["long_name"]),
            "p_alone": (observed.to_numpy(), "rate of DLTs alone"),
            "per_evaluable": (all_of_them.per_evaluable, "enrolled for one evaluable"),
        }
        if self.leaves_out:
            found["p_excluded"] = all_of_them.excluded, "probability that a patient who is not replaced is left out"
        about: dict[str, Any] = {
            n: (observed.dims, v, {"units": "1", "long_name": text}) for n, (v, text) in found.items()
        }
        hazard = [sum((-np.log1p(-np.asarray(p)) for p in m), np.zeros(observed.shape)) for m in others]
        columns = {"hazard": hazard, **{n: [getattr(one, of) for one in met] for n, of in BY_POPULATION.items()}}
        columns["share"] = [np.full(len(observed), share) for share in shares.values()]
        dims = "scenario", "population", "dose"
        for column, values in columns.items():
            about[column] = dims[: 1 + values[0].ndim], np.stack(values, axis=1), {}
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
        found = reader.table(dropout, "dropout", DROPOUT).get("rate", 0.0)
        rate = reader.value(found, "dropout.rate", Domain(float, 0, 1, open_high=True)) or 0.0
        if isinstance(table, Mapping) and "dropout" in table:
            reader.fault("dropout", "wanted drop-out stated once, got it in window_events.dropout, too")
    if table is None:
        return WindowEvents(dropout=Departure(rate, "replace")) if rate else None
    given = {"dropout": Departure(rate, "replace")} if rate else {}
    built: WindowEvents | None = reader.build(WindowEvents, table, "window_events", given)
    return built
