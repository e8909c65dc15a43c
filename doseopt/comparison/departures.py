"""Departures from the DLT window as ways to be wrong: how many patients die in it, or drop out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from doseopt.clock.competing import meet
from doseopt.core.design import Design
from doseopt.core.parameters import Fault
from doseopt.core.state import FloatArray
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.perturbations import Perturbation, Rates
from doseopt.study.departure import Departure, Event
from doseopt.study.reader import key
from doseopt.study.study import Study
from doseopt.study.window_events import having

TEXTS = {"death": "deaths in the DLT window", "dropout": "drop-out in the DLT window"}
MOST = 0.5
"""Share of the patients."""


def departures(study: Study) -> tuple[Perturbation, ...]:
    """Return deaths and drop-outs in the window as perturbations by their probability without treatment effect.

    Parameters
    ----------
    study : Study
        Other events of its window stay as it states them.
    """
    return tuple(Perturbation(name, TEXTS[name], 0.0, MOST, False, partial(_met, study, name)) for name in TEXTS)


def departure_of(study: Study, name: str) -> Departure:
    """Return how a patient counts who leaves the window so: as stated, else replaced but for the share attributed."""
    if study.window_events is not None and name in study.window_events.events:
        return study.window_events.events[name]
    silent = None if study.silences is None else study.silences.events.get(name)
    return Event(0.0, "replace", 0.0 if silent is None else silent.attributed)


def untold(study: Study, designs: Mapping[str, Design]) -> list[Fault]:
    """Return who is lost in a way that no DLT rate tells: those left out, and those enrolled up to a cap."""
    wanted = "wanted one that is another DLT rate (dlt, replace or complete), got 'exclude'"
    readings = {name: departure_of(study, name).reading for name in TEXTS}
    found = [Fault(f"window_events.{n}.reading", wanted) for n, reading in readings.items() if reading == "exclude"]
    capped = [name for name, design in designs.items() if design.facts.max_enrolled is not None]
    events = study.window_events
    wanted = "wanted one probability for all populations"
    apart = [] if events is None else [name for name, event in events.events.items() if event.by_population]
    found += [Fault(f"window_events.{name}.probability", wanted) for name in apart]
    wanted = "wanted no max_enrolled, which counts patients whom no DLT rate tells"
    return found + [Fault(f"designs.{key(name)}.modifiers", wanted) for name in capped]


def _met(study: Study, name: str, p_dlt: FloatArray, _: FloatArray, amount: FloatArray, doses: Doses) -> Rates:
    """Return true rates and those that rules meet, [P, R, D]."""
    scenarios, event = study.scenarios, departure_of(study, name)
    alone = scenarios["p_alone" if "p_alone" in scenarios else "p_observed"].to_numpy()
    p = np.broadcast_to(alone, (len(amount), *alone.shape))
    rest = having(study.window_events, name, None)
    others = [] if rest is None else list(rest.events.values())
    each = [amount, *(other.at(study.stated[1], doses.as_planned) for other in others)]
    events = [event, *others]
    met = meet(p, each, [e.reading for e in events], [e.attributed for e in events], study.onset)
    return np.broadcast_to(p_dlt, p.shape), met.rate
