"""States, which a rule is shown, and decisions, which it answers.

A trial between two cohorts is its *tally* (patients and DLTs at each dose), the dose last given, and whatever else a
design declared that it keeps. Arrays hold a batch of trials: axis 0 is the trial, the last axis the dose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

type IntArray = npt.NDArray[np.int64]
type FloatArray = npt.NDArray[np.float64]
type BoolArray = npt.NDArray[np.bool_]

CONTINUE = 0
"""Stop code of a trial that goes on; code k > 0 is the k-th of the reasons that the design declares."""

NONE = -1
"""Selected dose of a trial that declares no MTD."""


@dataclass(frozen=True, slots=True, eq=False)
class TrialState:
    """A batch of trials between cohorts.

    Parameters
    ----------
    n : int array [S, D]
        Patients treated and evaluable.
    y : int array [S, D]
        Dose-limiting toxicities.
    dose : int array [S]
        Dose last given (index), -1 in the empty trial.
    memory : int array [S, M]
        What the design declared that it keeps.

    Examples
    --------
    >>> from doseopt import BOIN, after
    >>> state = after(BOIN(doses=3, target=0.25), "1NNN 2NNT")
    >>> state.n.tolist(), state.y.tolist(), state.dose.tolist()
    ([[3, 3, 0]], [[0, 1, 0]], [1])
    """

    n: IntArray
    y: IntArray
    dose: IntArray
    memory: IntArray

    @classmethod
    def empty(cls, doses: int, memory: int = 0) -> TrialState:
        """Return the trial before its first patient, as a batch of one."""
        nothing = np.zeros((1, doses), np.int64)
        return cls(nothing, nothing.copy(), np.full(1, -1, np.int64), np.zeros((1, memory), np.int64))

    @classmethod
    def concatenate(cls, parts: Sequence[TrialState]) -> TrialState:
        """Join batches."""
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__slots__))

    def __len__(self) -> int:
        return len(self.dose)

    def __getitem__(self, index: IntArray | BoolArray | slice) -> TrialState:
        if isinstance(index, slice):
            return TrialState(self.n[index], self.y[index], self.dose[index], self.memory[index])
        rows = np.asarray(index)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        return TrialState(_taken(self.n, rows), _taken(self.y, rows), self.dose[rows], _taken(self.memory, rows))

    def with_memory(self, memory: IntArray) -> TrialState:
        """Return the same trials with another memory."""
        return TrialState(self.n, self.y, self.dose, memory)

    def treated(self, pending: Pending | None) -> TrialState:
        """Return the same trials with the pending patients in the tally, as ones without a DLT so far."""
        if pending is None:
            return self
        return TrialState(self.n + pending.at(self.n.shape[1]), self.y, self.dose, self.memory)

    @property
    def at(self) -> IntArray:
        """Row numbers, to index ``n[state.at, dose]``."""
        return np.arange(len(self.dose))

    @property
    def tried(self) -> BoolArray:
        """Doses with at least one patient, [S, D]."""
        return self.n > 0

    @property
    def highest_tried(self) -> IntArray:
        """Index of the highest dose with a patient, -1 if none, [S]."""
        return np.where(self.n > 0, np.arange(self.n.shape[1]), -1).max(axis=1)

    @property
    def total(self) -> IntArray:
        """Patients treated so far, [S]."""
        return np.asarray(np.einsum("sd->s", self.n))  # rows are short: `sum` along them takes ten times as long

    @property
    def started(self) -> BoolArray:
        """Whether a patient has been treated, [S]."""
        return self.dose >= 0


def _taken(counts: IntArray, rows: npt.NDArray[Any]) -> IntArray:
    """Return some rows, in the order in memory that all have; an index takes several times as long."""
    if counts.flags.c_contiguous:
        return counts.take(rows, axis=0)
    return counts.T.take(rows, axis=1).T


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """The patients of each trial who were treated and whose outcome is still open.

    Parameters
    ----------
    dose : int array [S, P]
        The dose of each, -1 where a trial has fewer than P.
    share : float array [S, P]
        How much of the DLT window each has been followed without a DLT, in [0, 1).
    times : float array [S, Z], optional
        When in the window the DLTs of the tally were seen, as shares of it in any order, nan where a trial has fewer
        than Z; None where no rule asks for them.
    """

    dose: IntArray
    share: FloatArray
    times: FloatArray | None = None

    @classmethod
    def nobody(cls, trials: int) -> Pending:
        """Return that nobody is pending in some trials."""
        return cls(np.zeros((trials, 0), np.int64), np.zeros((trials, 0)))

    def __getitem__(self, index: IntArray | BoolArray | slice) -> Pending:
        return Pending(self.dose[index], self.share[index], None if self.times is None else self.times[index])

    def at(self, doses: int) -> IntArray:
        """Return how many are pending at each dose, [S, D]."""
        trials, kinds = len(self.dose), 1 + doses  # of which the first is nobody
        code = np.arange(trials)[:, None] * kinds + 1 + self.dose
        return np.bincount(code.ravel(), minlength=trials * kinds).reshape(trials, kinds)[:, 1:]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What happens next in each trial of a batch.

    Parameters
    ----------
    dose : int array [S]
        Next dose; without meaning where the trial stops.
    size : int array [S]
        Patients in the next cohort; 0, from a design that decides while patients are pending, to wait for them.
    stop : int array [S]
        0 to go on, or k for the k-th declared reason.

    Examples
    --------
    >>> from doseopt import ThreePlusThree, after
    >>> design = ThreePlusThree(doses=3, target=0.25)
    >>> decision = design.decide(after(design, "1NNN 2TTN"))
    >>> decision.dose.tolist(), decision.size.tolist(), decision.stop.tolist()
    ([0], [3], [0])
    """

    dose: IntArray
    size: IntArray
    stop: IntArray

    @classmethod
    def concatenate(cls, parts: Sequence[Decision]) -> Decision:
        """Join batches."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__slots__))

    def __getitem__(self, index: IntArray | BoolArray | slice) -> Decision:
        return Decision(self.dose[index], self.size[index], self.stop[index])

    def __len__(self) -> int:
        return len(self.dose)


def where(here: BoolArray, answer: Decision, decision: Decision) -> Decision:
    """Return one decision where it holds, another elsewhere."""
    pairs = ((answer.dose, decision.dose), (answer.size, decision.size), (answer.stop, decision.stop))
    return Decision(*(np.where(here, a, d) for a, d in pairs))
