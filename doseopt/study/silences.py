"""Silences on the DLT window: what a study elicits of events that a protocol does not provide for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from doseopt.core.parameters import Fault, check, param
from doseopt.study.clock import Clock
from doseopt.study.departure import FORMS, Departure, Event, not_probable
from doseopt.study.populations import Populations
from doseopt.study.window_events import NAMES, WindowEvents


@dataclass(frozen=True)
class ElicitedDeparture:
    """How probable it is that a patient leaves the window, where the protocol does not say how that counts.

    Parameters
    ----------
    probability : float, tuple of float or mapping
        As of a `Departure`.
    longer : float, tuple of float or mapping, optional
        In the other window, that `dlt_window` names.

    Examples
    --------
    >>> from doseopt import ElicitedDeparture
    >>> list(ElicitedDeparture(0.10).readings())
    ['dlt', 'replace', 'complete', 'exclude']
    """

    probability: Any = param(kind=object, custom=not_probable, doc=FORMS)
    longer: Any = param(None, kind=object, custom=not_probable, optional=True, doc=FORMS)

    attributed = 0.0

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)

    def faults(self, scenarios: Sequence[str], doses: int, populations: Populations | None) -> list[Fault]:
        """Return what does not fit the scenarios, the number of planned doses, and the populations."""
        found = Departure(self.probability, "complete").faults(scenarios, doses, populations)
        if self.longer is not None:
            other = Departure(self.longer, "complete").faults(scenarios, doses, populations)
            found += [Fault(f"longer{fault.where.removeprefix('probability')}", fault.message) for fault in other]
        return found

    def order_faults(self, longer: bool) -> list[Fault]:
        """Return what is wrong where the event is more probable in the shorter window, the other one or not."""
        own, other = (Departure(p, "complete") for p in (self.probability, self.longer))
        wrong = own.exceeds(other) if longer else other.exceeds(own)
        wanted = f"wanted at {'least' if longer else 'most'} the probability in the window of [clock], everywhere"
        return [Fault("longer", f"{wanted}, got {self.longer!r} beside {self.probability!r}")] if wrong else []

    def readings(self) -> dict[str, Departure]:
        """Return each way in which it may count, by a short name."""
        return Departure(self.probability, "complete").readings()

    def in_other_window(self) -> Self | None:
        """Return the event in the other window; None where nothing is elicited for it."""
        return None if self.longer is None else replace(self, probability=self.longer, longer=None)


@dataclass(frozen=True)
class ElicitedEvent(ElicitedDeparture):
    """How probable death or transplantation is, and which share may be called a DLT.

    Examples
    --------
    >>> from doseopt import ElicitedEvent
    >>> ElicitedEvent(0.15, attributed=0.5).readings()["replace 50%"].describe()
    '15%, 50% called a DLT, rest replaced'
    """

    attributed: float = param(0.0, low=0, high=1, doc="share that is called a DLT in one more reading of 'replace'")

    def readings(self) -> dict[str, Departure]:
        """Return each way in which it may count, by a short name: replaced with the share attributed, too."""
        found = Event(self.probability, "complete").readings()
        if self.attributed:
            found[f"replace {100 * self.attributed:g}%"] = Event(self.probability, "replace", self.attributed)
        return found


@dataclass(frozen=True)
class Silences:
    """What a study elicits of the DLT window where the protocol is silent: readings beside its main analysis.

    Parameters
    ----------
    death_in_window, transplantation : ElicitedEvent, optional
    dropout_in_window : ElicitedDeparture, optional
    dlt_window : float, optional
        Days of another window that the protocol could mean.

    Examples
    --------
    >>> from doseopt import ElicitedEvent, Silences
    >>> found = Silences(death_in_window=ElicitedEvent(0.15, attributed=0.5), dlt_window=60)
    >>> list(found.events["death"].readings())
    ['dlt', 'replace', 'complete', 'exclude', 'replace 50%']
    """

    death_in_window: ElicitedEvent | None = param(None, kind=ElicitedEvent, table=ElicitedEvent, optional=True)
    transplantation: ElicitedEvent | None = param(None, kind=ElicitedEvent, table=ElicitedEvent, optional=True)
    dropout_in_window: ElicitedDeparture | None = param(
        None, kind=ElicitedDeparture, table=ElicitedDeparture, optional=True
    )
    dlt_window: float | None = param(None, kind=float, low=0, open_low=True, optional=True, doc="days")

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        nothing = not self.events and self.dlt_window is None
        check(self, [Fault("", f"wanted one of {', '.join(vars(self))}, got none")] if nothing else [])

    @property
    def events(self) -> dict[str, ElicitedDeparture]:
        """Those that are elicited, by their names in `WindowEvents`."""
        return {name: event for name in NAMES if (event := getattr(self, factor_of(name))) is not None}

    def faults(
        self,
        scenarios: Sequence[str],
        doses: int,
        populations: Populations | None,
        clock: Clock | None,
        stated: WindowEvents | None,
    ) -> list[Fault]:
        """Return what does not fit the study."""
        found = []
        for name, event in self.events.items():
            where = factor_of(name)
            found += [fault.under(where) for fault in event.faults(scenarios, doses, populations)]
            if stated is not None and name in stated.events:
                found.append(Fault(where, f"wanted what no other table states, and window_events.{name} does"))
            if event.longer is not None and clock is not None and self.dlt_window is not None:
                found += [fault.under(where) for fault in event.order_faults(self.dlt_window > clock.window)]
            if event.longer is not None and self.dlt_window is None:
                found.append(Fault("dlt_window", f"missing; wanted the days of the window that {where}.longer is for"))
        if self.dlt_window is not None:
            if clock is None:
                found.append(Fault("dlt_window", "wanted a [clock] beside it, whose window the DLT rates belong to"))
            elif clock.window == self.dlt_window:
                found.append(Fault("dlt_window", f"wanted other days than the window of [clock], {clock.window:g}"))
            elif clock.onset is not None and clock.onset.kind == "visits":
                found.append(Fault("dlt_window", "wanted no onset by visits, whose shares are those of one window"))
        return found

    def describe(self) -> str:
        """Say what is elicited."""
        said = []
        for name, event in self.events.items():
            other = event.in_other_window()
            longer = "" if other is None else f" ({_chance(other)} in {self.dlt_window:g} days)"
            said.append(f"{NAMES[name]} {_chance(event)}{longer}")
        return ", ".join([*said, *([f"another window of {self.dlt_window:g} days"] if self.dlt_window else [])])


def _chance(event: ElicitedDeparture) -> str:
    return Departure(event.probability, "complete").chance()


def factor_of(event: str) -> str:
    """Return the silence that an event of the window is."""
    return event if event == "transplantation" else f"{event}_in_window"
