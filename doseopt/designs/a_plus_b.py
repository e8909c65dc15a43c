"""A+B designs: a dose is left upwards after few DLTs in A patients, or in A + B."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from doseopt.core.definition import TRIED, Names
from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, Fault, param
from doseopt.core.state import NONE, BoolArray, Decision, IntArray, TrialState
from doseopt.designs.defaults import Defaults

COMPLETE, TOO_TOXIC = 1, 2
AT_ONCE = ("at_once", "six")


class Counts(NamedTuple):
    """What an A+B design counts to: patients A and A + B, and DLTs C, D and E."""

    a: int
    whole: int
    c: int
    d: int
    e: int


class CountedDesign(Defaults):
    """The rule of A+B designs; a design of the family inherits this and supplies `counts` and the first row of words.

    What is done about a dose below an excluded one depends on the tallies, not on the order in which the doses were
    given.
    """

    on_descent: str
    confirm_top: bool
    mtd_at_cap: str

    @property
    def counts(self) -> Counts:
        """Patients and DLTs that the rule counts to."""
        raise NotImplementedError

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if self.on_descent == "declare" and self.confirm_top:
            message = (
                'wanted false with on_descent = "declare" (a design that never goes back confirms nothing), got true'
            )
            found.append(Fault("confirm_top", message))
        return found

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins; the rule sizes its cohorts by its counts."""
        return dataclasses.replace(
            super().facts,
            stops=("complete", "too_toxic"),
            undoable=("complete",),
            ends=True,
            skips=False,
            exclusion=f"{self._too_many()} at this dose or a lower one",
            sizes_own_cohorts=True,
            aims=False,
        )

    def _too_many(self) -> str:
        a, whole, _, d, e = self.counts
        return f"{d + 1} or more DLTs" if d == e else f"{d + 1} or more DLTs in {a}, {e + 1} or more in {whole},"

    def first(self) -> Decision:
        """Return the first cohort: A patients."""
        return Decision(np.array([self.start - 1]), np.array([self.counts.a]), np.array([0]))

    def counted(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return the patients and DLTs that the rule counts, [S, D] each."""
        return state.n, state.y

    def admissible(self, state: TrialState) -> BoolArray:
        """Exclude a dose with more than D DLTs in A patients, or E in more, and all above it."""
        return self._open(*self.counted(state))

    def _open(self, n: IntArray, y: IntArray) -> BoolArray:
        """Return which doses these patients and DLTs do not exclude, [S, D]."""
        most = np.where(n <= self.counts.a, self.counts.d, self.counts.e)
        return ~np.logical_or.accumulate(y > most, axis=1)

    def decide(self, state: TrialState) -> Decision:
        """Apply the rule to each trial."""
        (n, y), (a, whole, c, _, _) = self.counted(state), self.counts
        excluded = self._open(n, y).sum(axis=1)
        had, dlts, levels = n.T, y.T, np.arange(self.doses)[:, None]
        closed = (levels + 1 == excluded) & (excluded < self.doses)
        begun = (had < a) & ~(closed & (self.on_descent in AT_ONCE))
        more = ~begun & (dlts >= c) & (had < whole)
        up = ~begun & ~more & (levels + 1 < excluded)
        more |= ~begun & ~up & (had < whole) & (closed | self.confirm_top)
        dose = np.argmax(~up & (levels >= state.dose), axis=0)  # past all doses that are left upwards
        here = dose, state.at
        size = np.where(begun[here], a - had[here], np.where(more[here], whole - had[here], 0))
        stop = np.where(begun[here] | more[here], 0, COMPLETE)
        down = (state.dose >= excluded) | ((excluded < self.doses) & (self.on_descent == "declare"))
        dose[down], size[down], stop[down] = self._descended(n[down], excluded[down])
        return Decision(dose, size, stop)

    def _descended(self, n: IntArray, excluded: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return the next dose, cohort size and stop code of trials that go down from an excluded dose."""
        a, whole = self.counts[:2]
        below = np.maximum(excluded - 1, 0)
        here = n[np.arange(len(n)), below]
        declared = (here >= whole) | (self.on_descent == "declare")
        full = np.where((here < a) & (self.on_descent not in AT_ONCE), a, whole)
        size = np.where((excluded == 0) | declared, 0, full - here)
        return below, size, np.where(excluded == 0, TOO_TOXIC, np.where(declared, COMPLETE, 0))

    @cached_property
    def _proven(self) -> Names:
        """What a dose must show to be the MTD when something else ended the trial."""
        proven = Names(self.counts.whole, dlts=self.counts.e, otherwise="best", unless_complete=True)
        return proven if self.mtd_at_cap == "definition" else TRIED

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the MTD: the dose the rule ended on, or what `mtd_at_cap` says when something else ended the trial."""
        found = self._highest(state, stop, self._proven.met(*self.counted(state)))
        complete = stop == COMPLETE
        return np.where(complete, self.decide(state).dose, found) if complete.any() else found

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the dose the rule ended on, if it is one of some; else the highest of them, tried and not excluded."""
        own = self.decide(state).dose
        kept = (stop == COMPLETE) & allowed[np.arange(len(own)), own]
        return np.where(kept, own, self._highest(state, stop, allowed))

    def _highest(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the highest dose of some that was tried and is not excluded; none after too many DLTs."""
        n, y = self.counted(state)
        open_ = allowed & self._open(n, y) & (n > 0)
        highest = np.where(open_, np.arange(self.doses), NONE).max(axis=1)
        return np.where(stop == TOO_TOXIC, NONE, highest)

    def describe(self) -> list[Row]:
        """Return the reading chosen for each silence of the rule; a design puts the rule before them."""
        a, whole, c, _, e = self.counts
        few = f"{e} DLT{'s' * (e != 1)}"
        descent = f"filled to {a} and then to {whole}"
        descent = f"filled to {whole} at once" if self.on_descent in AT_ONCE else descent
        declared = "declared the MTD as it stands (no de-escalation)"
        cap = {
            "definition": f"the highest dose with at most {few} in at least {whole}; none if there is none",
            "not_excluded": "the highest dose tried that is not excluded",
        }
        below = declared if self.on_descent == "declare" else descent
        up = f"0/{a}" if c == 1 else f"at most {c - 1}/{a}"
        return [
            Row(f"a dose below an excluded one with fewer than {whole}", below, "reading"),
            Row(f"top dose after {up}", f"filled to {whole}" if self.confirm_top else f"declared on {a}", "reading"),
            Row("MTD when enrolment ends the trial", cap[self.mtd_at_cap], "reading"),
        ]


@dataclass(frozen=True)
class APlusB(CountedDesign):
    """A+B design: few DLTs in A patients: up; some: B more at the dose; many: the dose is too toxic.

    Fewer than C DLTs in A patients: up. C to D: B more, then up at E or fewer in A + B. More than D in A, or than E
    in A + B: the dose is too toxic; it and all above are excluded. With de-escalation a dose below an excluded one is
    filled to A + B, and is the MTD at E or fewer; without, it is declared as it stands.

    Parameters
    ----------
    doses : int
    target : float
        Not used by the rule; the rate that other designs and modifiers are compared at.
    a, b : int
        Patients A and B.
    c, d, e : int
        DLTs C <= D in the first A, and E >= D in A + B.
    start : int
        First dose level, counted from 1.
    on_descent : {"stepwise", "at_once", "declare"}
        A dose below an excluded one that has fewer than A + B patients: filled to A and then to A + B; filled to A + B
        at once; or declared the MTD as it stands (no de-escalation).
    confirm_top : bool
        A + B patients before the top dose can be the MTD; otherwise fewer than C of A suffice there.
    mtd_at_cap : {"definition", "not_excluded"}
        The MTD when something else stops the trial: the highest dose with at most E DLTs in at least A + B, or the
        highest dose tried that is not excluded.

    Notes
    -----
    Names: "A+B". With A = B = 3 and C = D = E = 1 it is 3+3 (`ThreePlusThree`). Lin & Shih's design with
    de-escalation is ``confirm_top=False``; theirs without it ``on_descent="declare", confirm_top=False``.

    References
    ----------
    Lin & Shih 2001, Biostatistics 2:203.

    Examples
    --------
    2+4 with C = 1, D = 1 and E = 1: up after 0 of 2, four more after 1 of 2, down after 2 of 2:

    >>> from doseopt import APlusB, after
    >>> design = APlusB(doses=3, target=0.25, a=2, b=4)
    >>> after_two = [design.decide(after(design, f"1NN 2{seen}")) for seen in ("NN", "NT", "TT")]
    >>> [(decision.dose.item() + 1, decision.size.item()) for decision in after_two]
    [(3, 2), (2, 4), (1, 4)]
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    a: int = param(3, low=1, high=100, doc="patients A, first given a dose")
    b: int = param(3, low=1, high=100, doc="patients B, added after C to D DLTs")
    c: int = param(1, low=1, doc="DLTs in A from which B are added")
    d: int = param(1, low=1, doc="DLTs in A up to which B are added")
    e: int = param(1, low=1, doc="DLTs in A + B up to which the dose is left upwards")
    start: int = param(1, low=1, doc="first dose level")
    on_descent: str = param("stepwise", choices=("stepwise", "at_once", "declare"), doc="a dose below an excluded one")
    confirm_top: bool = param(True, doc="A + B patients before the top dose can be the MTD")
    mtd_at_cap: str = param(
        "definition",
        choices=("definition", "not_excluded"),
        declares=True,
        doc="MTD when the enrolment cap stops the trial",
    )

    @classmethod
    def example(cls) -> Self:
        """Return the design as the conformance checks try it."""
        return cls(doses=4, target=0.25, a=2, b=3, c=1, d=1, e=2)

    def _faults(self) -> list[Fault]:
        order = (("c", "a", "A"), ("d", "a", "A"), ("e", "", "A + B"))
        if not all(isinstance(getattr(self, name), int) for name in "abcde"):
            return super()._faults()
        found = [
            Fault(name, f"wanted at most the {limit} = {most} patients, got {getattr(self, name)}")
            for name, of, limit in order
            if getattr(self, name) > (most := self.a if of else self.a + self.b)
        ]
        for name, least in (("d", "c"), ("e", "d")):
            if getattr(self, name) < getattr(self, least):
                wanted = f"wanted at least {least} = {getattr(self, least)}, got {getattr(self, name)}"
                found.append(Fault(name, wanted))
        return super()._faults() + found

    @property
    def counts(self) -> Counts:
        """Patients and DLTs that the rule counts to."""
        return Counts(self.a, self.a + self.b, self.c, self.d, self.e)

    def describe(self) -> list[Row]:
        """Return the rule, the reading chosen for each of its silences, and the source."""
        a, whole, c, d, e = self.counts
        some = f"{c}" if c == d else f"{c} to {d}"
        rule = (
            f"fewer than {c} of {a}: up; {some} of {a}: {self.b} more, up at {e} or fewer of {whole}; more: dose "
            "excluded, with all above"
        )
        return [Row("escalation", rule, "Lin & Shih 2001"), *super().describe()]
