"""Break-even points: how wrong a study must be before a proposed design is no better than the registered one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.polynomial import Chebyshev

from doseopt.comparison.departures import TEXTS as DEPARTURES
from doseopt.comparison.departures import departure_of, departures, untold
from doseopt.core.design import Design, Modifier
from doseopt.core.parameters import Fault, Faults
from doseopt.core.progress import Progress
from doseopt.core.state import FloatArray
from doseopt.designs.layers import layers, with_modifiers
from doseopt.designs.modifiers import TooToxic
from doseopt.designs.waiting import made_to_wait
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import rates_beside
from doseopt.engines.graph import most_patients, reach_of
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures, mean_of_known
from doseopt.scenarios.mtd_rule import judged_on, planned_of
from doseopt.scenarios.perturbations import Perturbation, perturbations
from doseopt.study.study import Study

POINTS = 201
"""Of the grid over a range."""
ALIKE = 1e-9
"""Differences of probabilities up to this size count as none."""
FINE = 1e-7
"""To which a crossing is refined."""
ROWS = 1 << 16
"""Scenarios at a time, each amount of a perturbation counted."""
CRITERIA = ("mean", "worst")
"""Over the scenarios."""
MEASURES: dict[str, Callable[..., FloatArray]] = {
    "correct_selection": np.min,
    "overdose_selection": np.max,
    "patients_below_mtd": np.nanmax,
}
"""What is worst."""
THRESHOLDS = (0.80, 0.85, 0.90, 0.95)
"""Of the safety stop."""
TEXTS = {
    "amount": "share, or relative error of the dose",
    "perturbed_correct_selection": "probability of correct selection where rates are off",
    "perturbed_overdose_selection": "probability of selecting a dose above the MTD where rates are off",
    "perturbed_patients_below_mtd": "expected patients below the MTD where rates are off",
    "break_even": "amount at which correct selection crosses that of the registered design",
    "ahead_at_first": "1 where ahead of the registered design below the first crossing, -1 where behind, 0 where alike",
    "stop_correct_selection": "mean probability of correct selection by the threshold of the safety stop",
    "stop_overdose_selection": "mean probability of selecting a dose above the MTD by the threshold of the safety stop",
    "stop_patients_below_mtd": "expected patients below the MTD by the threshold of the safety stop",
    "stop_none_right": "mean probability of naming none where that is correct, by the threshold of the safety stop",
}
"""Of the result variables."""


def break_even(
    study: Study, registered: str, amended: Sequence[str], progress: Progress = lambda _: None
) -> xr.Dataset:
    """Return what designs attain where patients' DLT rates are off what the study says, and where the order turns.

    Parameters
    ----------
    study : Study
        Its scenarios count alike.
    registered : str
    amended : sequence of str
        The designs proposed in its place, each compared with it.
    progress : callable, optional
        Told each perturbation when its turn comes.

    Returns
    -------
    Dataset
        `perturbed_<measure>` (perturbation, point, design, criterion) at `amount` (perturbation, point): of the
        scenarios the mean, and the worst. `break_even` (perturbation, criterion, design, crossing): the amounts at
        which correct selection crosses that of the registered design, nan beyond the last; `ahead_at_first`: 1 where
        the design is ahead below the first crossing, -1 where it is behind, 0 where both are alike throughout; nan for
        the registered design itself. `stop_<measure>` (stop_threshold, design) for designs that stop when
        the lowest dose is too toxic: means, `stop_none_right` over the scenarios where only naming none is correct.
        attrs: `registered`; `death_counted`, `dropout_counted`, how who leaves the DLT window counts; `left_out`,
        designs that are too large for the exact calculation, one a line.

    Raises
    ------
    Faults
        If a design is not in the study, or all but the registered one are too large.
    TooManyStates
        If the registered one is.

    Notes
    -----
    What is right stays that of the true rates; where doses are off, these are the rates at the doses given. The mean in
    false and in late DLTs is a polynomial, of which all roots are found. Of the worst scenario, and in the dose error,
    crossings narrower than a step of the grid are not seen, and a crossing may be a jump where what is right changes.

    Examples
    --------
    >>> from doseopt import load_study
    >>> from doseopt.comparison.break_even import break_even
    >>> found = break_even(load_study("renji-elo-first"), "CRM 13", ["CRM 25"])
    >>> at = found["break_even"].sel(perturbation="false_dlts", criterion="mean", design="CRM 25", crossing=1)
    >>> 0.14 < at.item() < 0.16
    True
    """
    chosen = {name: made_to_wait(design) for name, design in study.choose([registered, *amended]).items()}
    faults = untold(study, chosen)
    if faults:
        raise Faults(faults)
    designs, left_out = _exact(chosen, registered)
    kinds, parts = (*perturbations(study.doses), *departures(study)), []
    for kind in kinds:
        progress(kind.text)
        parts.append(_perturbed(study, designs, kind))
    along = xr.DataArray([kind.name for kind in kinds], dims="perturbation", name="perturbation")
    data = xr.concat(parts, along, join="outer", coords=["amount"])
    data = data.merge(_stopped(study, designs))
    for name in TEXTS.keys() & data.variables.keys():
        data[name].attrs = {"long_name": TEXTS[name], "units": "patients" if "patients" in TEXTS[name] else "1"}
    counted = {f"{name}_counted": departure_of(study, name).counted() for name in DEPARTURES}
    waiting = ", ".join(name for name in designs if designs[name] != study.designs[name])
    attrs = {"registered": registered, "left_out": "\n".join(left_out), "followed_up": waiting, **counted}
    return data.assign_attrs(study.provenance(), **attrs)


def _exact(designs: Mapping[str, Design], registered: str) -> tuple[dict[str, Design], list[str]]:
    """Return the designs whose graphs are not too large, and the names of the others."""
    found: dict[str, Design] = {}
    for name, design in designs.items():
        try:
            reach_of(design)
        except TooManyStates as error:
            if name == registered:
                raise TooManyStates(f"{name}: {error}") from None
        else:
            found[name] = design
    left_out = [name for name in designs if name not in found]
    if len(found) < 2:
        which = f"; too large: {', '.join(left_out)}" if left_out else ""
        raise Faults([Fault("designs", f"wanted one to compare with {registered}, got none{which}")])
    return found, left_out


def attained(study: Study, design: Design, kind: Perturbation, amount: FloatArray) -> FloatArray:
    """Return `MEASURES` at amounts of a perturbation, [measure, P, criterion]."""
    p_dlt, observed = _rates(study)
    step = max(ROWS // len(p_dlt), 1)
    parts = []
    for some in (amount[first : first + step, None, None] for first in range(0, len(amount), step)):
        value = _selected(study, design, *kind.rates(p_dlt, observed, some, study.doses))
        worst = [of(each, axis=1) for of, each in zip(MEASURES.values(), value, strict=True)]
        parts.append(np.stack([mean_of_known(value, 2), np.array(worst)], axis=2))
    return np.concatenate(parts, axis=1)


def _rates(study: Study) -> tuple[FloatArray, FloatArray]:
    """Return true and recorded rates of the scenarios, [R, D] each."""
    p_dlt, observed = (study.scenarios[name].to_numpy() for name in ("p_dlt", "p_observed"))
    return p_dlt, observed


def _selected(study: Study, design: Design, truth: FloatArray, seen: FloatArray) -> FloatArray:
    """Return `MEASURES`, [P, R, D] true and recorded rates -> [measure, P, R]."""
    times, beside = len(truth), rates_beside(design.facts.outcomes, study.scenarios)
    beside = None if beside is None else np.tile(beside, (times, 1))
    each = (-1, truth.shape[2])
    means = means_of(design, seen.reshape(each), p_beside=beside)
    found = linear_measures(means, truth.reshape(each), study.mtd, planned_of(study.scenarios))
    return np.array([found[name].reshape(times, -1) for name in MEASURES])


def _perturbed(study: Study, designs: Mapping[str, Design], kind: Perturbation) -> xr.Dataset:
    """Return what designs attain over the range of a perturbation, and where each crosses the first."""
    amount = np.linspace(kind.low, kind.high, POINTS)
    lines = np.stack([attained(study, design, kind, amount) for design in designs.values()], axis=2)
    registered, *proposed = designs.values()
    turns: dict[tuple[int, int], list[float]] = {}
    first = np.full((len(CRITERIA), len(designs)), np.nan)
    for c in range(len(CRITERIA)):
        for d, design in enumerate(proposed, 1):

            def ahead(x: FloatArray, design: Design = design, c: int = c) -> FloatArray:
                one, other = (attained(study, each, kind, x)[0, :, c] for each in (design, registered))
                return np.asarray(one - other)

            if kind.polynomial and CRITERIA[c] == "mean":
                turns[c, d], first[c, d] = turns_of_polynomial(ahead, kind.low, kind.high, _degree(design, registered))
            else:
                turns[c, d], first[c, d] = turns_on(ahead, amount, lines[0, :, d, c] - lines[0, :, 0, c])
    crossing = np.full((*first.shape, max(map(len, turns.values()))), np.nan)
    for place, each in turns.items():
        crossing[place][: len(each)] = each
    dims, data = ("point", "design", "criterion"), dict(zip(MEASURES, lines, strict=True))
    return xr.Dataset(
        {
            **{f"perturbed_{name}": (dims, value) for name, value in data.items()},
            "break_even": (("criterion", "design", "crossing"), crossing),
            "ahead_at_first": (("criterion", "design"), first),
        },
        {
            "amount": ("point", amount),
            "criterion": list(CRITERIA),
            "design": list(designs),
            "crossing": 1 + np.arange(crossing.shape[-1]),
        },
    )


def _degree(*designs: Design) -> int:
    """Return the degree of operating characteristics in the recorded rates: the most patients."""
    return max(most_patients(design) for design in designs)


def turns_of_polynomial(
    function: Callable[[FloatArray], FloatArray], low: float, high: float, degree: int
) -> tuple[list[float], float]:
    """Return all places where a polynomial changes its sign, and its first sign.

    Parameters
    ----------
    function : callable
        Float array [P] -> float array [P].
    low, high : float
    degree : int
        At the most.

    Notes
    -----
    Interpolation in Chebyshev's points is exact; roots are eigenvalues, and the sign between them tells changes from
    roots that only touch.

    Examples
    --------
    >>> turns, first = turns_of_polynomial(lambda x: (x - 0.2) ** 2 * (x - 0.7), 0, 1, 3)
    >>> np.round(turns, 6).tolist(), first
    ([0.7], -1.0)
    """
    found = Chebyshev.interpolate(function, degree, (low, high))
    roots = found.trim(1e-15).roots()
    real = np.sort(roots.real[(np.abs(roots.imag) < 1e-3) & (roots.real > low) & (roots.real < high)])
    ends = np.concatenate([[low], real, [high]])
    at = np.concatenate([[low], (ends[1:] + ends[:-1]) / 2, [high]])
    return turns_on(found, at, found(at))


def turns_on(
    function: Callable[[FloatArray], FloatArray], at: FloatArray, values: FloatArray
) -> tuple[list[float], float]:
    """Return where a function changes its sign between points, refined, and its first sign.

    Parameters
    ----------
    function : callable
        Float array [P] -> float array [P].
    at, values : float array [Q]
        Rising points, and the function there; values up to `ALIKE` count as zero, which is no sign.
    """
    from scipy.optimize import brentq  # slow to import

    known = np.abs(values) > ALIKE
    at, signs = at[known], np.sign(values[known])
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    turns = [brentq(lambda x: float(function(np.array([x]))[0]), at[k], at[k + 1], xtol=FINE) for k in changes]
    return turns, float(signs[0]) if len(signs) else 0.0


def _stopped(study: Study, designs: Mapping[str, Design]) -> xr.Dataset:
    """Return what designs attain with other thresholds of their safety stop, if any has one."""
    own = [name for name, design in designs.items() if any(isinstance(m, TooToxic) for m in layers(design).laid)]
    if not own:
        return xr.Dataset()
    p_dlt, observed = _rates(study)
    none = ~judged_on(study.mtd, p_dlt, planned_of(study.scenarios))[0].any(axis=1)
    values = np.array(
        [
            [_selected(study, _stopping_at(designs[name], t), p_dlt[None], observed[None])[:, 0] for name in own]
            for t in THRESHOLDS
        ]
    )  # [threshold, design, measure, scenario]
    dims, coords = ("stop_threshold", "design"), {"stop_threshold": list(THRESHOLDS), "design": own}
    found = {f"stop_{name}": (dims, mean_of_known(values[:, :, m], 2)) for m, name in enumerate(MEASURES)}
    if none.any():
        found["stop_none_right"] = (dims, values[:, :, 0, none].mean(axis=2))
    return xr.Dataset(found, coords).reindex(design=list(designs))


def _stopping_at(design: Design, confidence: float) -> Design:
    """Return a design whose safety stop has another threshold."""

    def change(modifier: Modifier) -> Modifier:
        return dataclasses.replace(modifier, confidence=confidence) if isinstance(modifier, TooToxic) else modifier

    return with_modifiers(design, change)
