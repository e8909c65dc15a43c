"""Facts of a design: what is fixed before its trial begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from doseopt.core.backfilling import Backfilling
from doseopt.core.comers import Comers
from doseopt.core.definition import Definition
from doseopt.core.outcome_space import TOXICITY, OutcomeSpace
from doseopt.core.state import BoolArray, IntArray, Pending, TrialState

FULL = "max_patients"
"""The reason to stop as no more patients may be treated."""


@dataclass(frozen=True)
class Facts:
    """What is fixed about a design before its trial begins.

    Parameters
    ----------
    doses : int
        Number of doses.
    target : float
        Target DLT rate.
    outcomes : OutcomeSpace
        How a patient can respond, as far as the rule tells it apart.
    memory : tuple of str
        Names of what the design keeps beside the tally: small named integers; often none.
    responses : bool
        Whether the first of these, one a dose, are the patients with efficacy there, in a design that looks at it.
    stops : tuple of str
        The reasons to stop that the design may give; a stop code is 1 + the position here. `FULL` is that of the cap.
    undoable : tuple of str
        Those of them that a demand may undo: neither for safety nor for want of patients.
    ends : bool
        Whether every trial ends without a modifier's help.
    cap : int, optional
        Most patients that may be treated and evaluable, None if no rule says it.
    max_enrolled : int, optional
        Most patients that may be enrolled, those not evaluable included; None if no rule says it.
    skips : bool
        Whether a dose more than one level above the highest tried may be given; False is a promise.
    exclusion : str
        Why a dose is inadmissible, in words; empty if the design excludes none.
    sizes_own_cohorts : bool
        Whether the rule counts on the cohort sizes that it sets itself.
    titration : bool
        Whether the rule begins with a titration of its own.
    pending : bool
        Whether the rule decides while patients are pending: its `decide` is shown them, see `DecidesOnPending`.
    times : bool
        Whether it then asks for the times of the DLTs seen, `Pending.times`.
    open_to_the_end : bool
        Whether a trial that is over while patients are pending turns patients away until these are followed up, instead
        of closing.
    names : Definition, optional
        What a dose must meet to be named the MTD; None if any that is selected is.
    comers : Comers, optional
        How many patients come for a cohort, of whom as many as it has places are treated; None if all are filled.
    aims : bool
        Whether the rule depends on the target.
    below : callable, optional
        Trials, and who is pending or None -> whether the rule wants to go below the lowest dose, [S]; None where it
        never does, or ends the trial.
    excluding : callable, optional
        A number of patients N -> which tallies of fewer at each dose exclude it and all above, [D, N, N] by n and y.
        Where it is stated, the next decision depends on no more of a trial than the lowest dose excluded so, the dose
        last given with its tally, and the patients in all; None where it may depend on more.
    backfill : Backfilling, optional
        Rules of backfilling while a cohort is followed up: such trials are simulated in time.
    nodes : callable, optional
        Patients -> nodes that are visited for the posterior of one state with so many, where a rule takes one that is
        much work.
    titrating : int, optional
        Where in the memory of a design that decides while patients are pending it stands whether the last cohort is one
        of a titration, whose patients are followed up before others come; None if it does not keep that.
    moderate : int, optional
        Where it stands how many of these patients have had a moderate toxicity; None if it does not look at that.
    """

    doses: int
    target: float
    outcomes: OutcomeSpace = TOXICITY
    memory: tuple[str, ...] = ()
    responses: bool = False
    stops: tuple[str, ...] = ()
    undoable: tuple[str, ...] = ()
    ends: bool = False
    cap: int | None = None
    max_enrolled: int | None = None
    skips: bool = True
    exclusion: str = ""
    sizes_own_cohorts: bool = False
    titration: bool = False
    pending: bool = False
    times: bool = False
    open_to_the_end: bool = False
    names: Definition | None = None
    comers: Comers | None = None
    aims: bool = True
    below: Callable[[TrialState, Pending | None], BoolArray] | None = field(default=None, compare=False)
    excluding: Callable[[int], BoolArray] | None = field(default=None, compare=False)
    backfill: Backfilling | None = field(default=None, compare=False)
    nodes: Callable[[int], int] | None = None
    titrating: int | None = None
    moderate: int | None = None

    @property
    def in_time(self) -> bool:
        """Whether trials depend on when patients come."""
        return self.pending or self.backfill is not None

    def fewest(self, places: IntArray | int) -> IntArray:
        """Return the fewest patients whom a cohort of so many places may have, elementwise."""
        return np.minimum(places, self.comers.fewest) if self.comers is not None else np.asarray(places)
