"""A design that decides while patients are pending, made to wait until everybody has been followed up."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from doseopt.core.design import Design, Row, decision_of, estimated_by, is_design, posterior_of, with_dose
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults
from doseopt.core.posterior import Posterior
from doseopt.core.state import Decision, FloatArray, IntArray, TrialState
from doseopt.designs.boin import BOIN
from doseopt.designs.crm import CRM
from doseopt.designs.defaults import Around
from doseopt.designs.layers import layers, with_rule
from doseopt.designs.rolling_six import RollingSix
from doseopt.designs.three_plus_three import ThreePlusThree
from doseopt.designs.tite_boin import TITEBOIN
from doseopt.designs.tite_crm import TITECRM

FOLLOWED_UP = (
    "Every cohort is followed up here before the next decision. What the design does sooner, while patients are "
    "pending, depends on their days of follow-up: `doseopt next` says it for those of today, `doseopt table` for all."
)
"""Where no time passes."""
NOT_BACKFILLED = (
    "Nobody is backfilled here: who is, and what follows from that, depends on when patients come and who responds, "
    "which `doseopt compare` simulates. `doseopt next` counts those who were."
)
"""The same of a design that backfills lower doses."""


def where_no_time_passes(design: Design) -> str:
    """Say what of a design is not seen where no time passes; empty if nothing is."""
    facts = design.facts
    return NOT_BACKFILLED if facts.backfill is not None else FOLLOWED_UP if facts.pending else ""


@dataclass(frozen=True)
class Waiting(Around):
    """A design that is asked only when nobody is pending: with it, what not waiting costs and saves is compared.

    Parameters
    ----------
    base : Design
        One that decides while patients are pending, or backfills.

    Examples
    --------
    TITE-BOIN that waits is BOIN:

    >>> from doseopt import BOIN, TITEBOIN, Waiting, after
    >>> waiting, boin = Waiting(TITEBOIN(doses=3, target=0.25)), BOIN(doses=3, target=0.25)
    >>> [design.decide(after(design, "1NNN 2NNT")).dose.item() + 1 for design in (waiting, boin)]
    [1, 1]
    """

    base: Design

    def __post_init__(self) -> None:
        """Refuse what is no design, and one that waits anyway."""
        if not is_design(self.base) or not self.base.facts.in_time:
            wanted = "wanted a design that decides while patients are pending, or treats others beside a cohort"
            raise Faults([Fault("base", f"{wanted}, got {self.base!r}")], "Waiting")

    @cached_property
    def facts(self) -> Facts:
        """The base's, but that it waits: nobody is treated while a cohort is followed up."""
        return dataclasses.replace(self.base.facts, pending=False, backfill=None)

    def with_dose(self, position: int, value: float) -> Waiting:
        """Return the design with one dose more."""
        return Waiting(with_dose(self.base, position, value))

    def decide(self, state: TrialState) -> Decision:
        """Return what the base decides when nobody is pending."""
        return decision_of(self.base, state)

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the base's MTD."""
        return self.base.select(state, stop)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the base's posterior."""
        return posterior_of(self.base, state)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the base's own estimate."""
        return estimated_by(self.base, state)

    def describe(self) -> list[Row]:
        """Return the base's rows, and that it waits."""
        return [*self.base.describe(), Row("follow-up", "every cohort is followed up before the next decision")]


def made_to_wait(design: Design) -> Design:
    """Return a design, one whose trials depend on when patients come made to wait: where no time passes.

    TITE-BOIN is BOIN then, and TITE-CRM is CRM; rolling six needs fewer patients than 3+3, and stays itself, as does
    BF-BOIN, without backfilling.
    """
    if not design.facts.in_time:
        return design
    parent = None if isinstance(layers(design).rule, RollingSix) else followed_up(design)
    return with_rule(design, Waiting) if parent is None else parent


def followed_up(design: Design) -> Design | None:
    """Return the published design that is the same with everybody followed up, all that is laid over it as it is.

    Parameters
    ----------
    design : Design

    Returns
    -------
    Design or None
        BOIN for TITE-BOIN, CRM for TITE-CRM, 3+3 with six patients wherever it comes down to for rolling six, which
        selects as it does but needs fewer patients; None for a design that waits.

    Examples
    --------
    >>> from doseopt import BOIN, TITEBOIN
    >>> followed_up(TITEBOIN(doses=3, target=0.25)) == BOIN(doses=3, target=0.25)
    True
    """
    rule = layers(design).rule
    if isinstance(rule, RollingSix):
        where: dict[str, Any] = {name: getattr(rule, name) for name in ("doses", "target", "start")}
        parent: Design = ThreePlusThree(**where, on_descent="six", confirm_top=rule.six_at_mtd)
    elif isinstance(rule, TITEBOIN | TITECRM):
        kind = BOIN if isinstance(rule, TITEBOIN) else CRM
        parent = kind(**{field.name: getattr(rule, field.name) for field in dataclasses.fields(kind) if field.init})
    else:
        return None
    return with_rule(design, lambda _: parent)
