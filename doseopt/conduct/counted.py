"""Patients of a trial as a model counts them: in whole, in part by their follow-up, or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from doseopt.core.parameters import Fault, Faults, quoted
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.choice import PosteriorModel
from doseopt.models.curves import TwoParameterCurve
from doseopt.models.external import RobustPrior
from doseopt.models.kinds import Judge
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature.mixed import Weights
from doseopt.records.patient import Patient
from doseopt.records.trial import Trial


@dataclass(frozen=True, eq=False)
class Tally:
    """Patients who count in whole and their DLTs at some doses, and the weights of those who count in part.

    Of a hazard model also the shares of the window after which DLTs came, where they are known.
    """

    n: IntArray
    y: IntArray
    weights: Weights
    struck: Weights = ()
    doses: tuple[float, ...] | None = None
    """The doses given, where they differ from the planned ones and the model takes them."""


@dataclass(frozen=True, eq=False)
class Counted:
    """The patients that a model is asked about.

    Parameters
    ----------
    planned : Tally
        By planned dose, [D].
    given : Tally
        By the doses that were given where the model takes them; else the same.
    in_part : tuple of str
        Who counts in part, each with the share of the window.
    whole : tuple of Patient
        Who counts in whole.
    """

    planned: Tally
    given: Tally
    in_part: tuple[str, ...]
    whole: tuple[Patient, ...]

    @classmethod
    def of(cls, choice: PosteriorModel, curve: Judge, trial: Trial, population: int = 0) -> Counted:
        """Return the patients of a trial as a model counts them.

        Of two populations `planned` is the tally of one of them, and `given` has a row each, the weights one after the
        other.

        Raises
        ------
        Faults
            With every pending patient whose follow-up is not known, if pending patients count.
        """
        if isinstance(curve, TwoPopulations):
            each = [cls.of(choice, curve.pooled(), part) for part in _by_population(curve.groups, trial)]
            names = tuple(name for part in each for name in part.in_part)
            given = _side_by_side([part.given for part in each], curve)
            return cls(each[population].planned, given, names, tuple(p for part in each for p in part.whole))
        censored = [p for p in trial.patients if p.left and choice.left == "censored"]
        whole = dataclasses.replace(trial, patients=tuple(p for p in trial.evaluable if p not in censored))
        part = [*trial.pending, *censored] if choice.likelihood != "complete" else []
        if part:
            trial.shares()
        weights = _shares(part, trial)
        hit = [p for p in whole.patients if p.dlt and p.followed is not None and choice.likelihood == "hazard"]
        weighed = _Weighed(part, weights), _Weighed(hit, _shares(hit, trial))
        in_part, struck = (each.by_level(len(trial.doses.labels)) for each in weighed)
        planned = Tally(*whole.tally(), in_part, struck)
        names = tuple(f"{_who(p)}: {w:.2f}" for p, w in zip(part, weights, strict=True))
        odd = any(p.actual_dose is not None for p in (*whole.patients, *part))
        if not (odd and takes_doses(curve)):
            return cls(planned, planned, names, whole.patients)
        return cls(planned, _by_given(whole, *weighed), names, whole.patients)


def takes_doses(curve: Judge) -> bool:
    """Tell whether a model takes the doses that were given, as numbers."""
    return isinstance(curve.curve if isinstance(curve, RobustPrior) else curve, TwoParameterCurve)


def _by_population(names: tuple[str, str], trial: Trial) -> list[Trial]:
    """Return the patients of each population as a trial.

    Raises
    ------
    Faults
        With every patient of another.
    """
    wanted = f"column group: wanted {names[0]!r} or {names[1]!r}, the populations of the model"
    faults = [
        Fault(p.where, f"patient {p.name}: {wanted}, got {quoted(p.group)}")
        for p in trial.patients
        if p.group not in names
    ]
    if faults:
        raise Faults(faults, "the data")
    return [dataclasses.replace(trial, patients=tuple(p for p in trial.patients if p.group == name)) for name in names]


def _side_by_side(tallies: Sequence[Tally], curve: TwoPopulations) -> Tally:
    """Return the tallies of two populations as rows; where doses differ from the planned ones, with columns each."""
    one, other = tallies
    if one.doses is None and other.doses is None:
        return Tally(np.stack([one.n, other.n]), np.stack([one.y, other.y]), one.weights + other.weights)
    doses = [curve.curve.values if part.doses is None else part.doses for part in tallies]
    n, y = (
        np.stack([np.concatenate([a, np.zeros_like(b)]), np.concatenate([np.zeros_like(a), b])])
        for a, b in ((one.n, other.n), (one.y, other.y))
    )
    blank = [((),) * len(part) for part in doses]
    weights = one.weights + blank[1] + blank[0] + other.weights
    return Tally(n, y, weights, doses=(*doses[0], *doses[1]))


def _who(patient: Patient) -> str:
    return f"{patient.name} ({patient.departure})" if patient.left else f"{patient.name} (pending)"


def _shares(patients: Sequence[Patient], trial: Trial) -> list[float]:
    """Return how much of the window is known of each."""
    return [0.0 if trial.window is None else trial.window.share(p.followed or 0.0) for p in patients]


class _Weighed(NamedTuple):
    """Patients, each with a share of the window."""

    patients: Sequence[Patient]
    shares: Sequence[float]

    def by_level(self, count: int) -> Weights:
        """Return the shares by planned dose."""
        return self._by([p.level for p in self.patients], count)

    def doses(self, planned: Sequence[float]) -> list[float]:
        """Return the doses given, planned ones where these are not known."""
        return [planned[p.level] if p.actual_dose is None else p.actual_dose for p in self.patients]

    def by_dose(self, planned: Sequence[float], every: FloatArray) -> Weights:
        """Return the shares by the dose given, of all there are."""
        return self._by(np.searchsorted(every, self.doses(planned)).tolist(), len(every))

    def _by(self, where: Sequence[int], count: int) -> Weights:
        return tuple(tuple(w for w, k in zip(self.shares, where, strict=True) if k == j) for j in range(count))


def _by_given(whole: Trial, part: _Weighed, hit: _Weighed) -> Tally:
    """Return the patients by the doses given."""
    planned = whole.doses.values or ()
    doses, n, y = whole.by_actual_dose()
    every = np.union1d(doses, part.doses(planned))
    place = np.searchsorted(every, doses)
    patients, dlts = np.zeros((2, len(every)), np.int64)
    patients[place], dlts[place] = n, y
    given = tuple(every.tolist())
    return Tally(patients, dlts, part.by_dose(planned, every), hit.by_dose(planned, every), given)
