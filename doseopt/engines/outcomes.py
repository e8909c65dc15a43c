"""Outcomes of one design, the endings of its trials with their weights: one labelled Dataset, whichever engine made it.

    n, y       ([scenario,] ending, dose)    patients and DLTs
    selected   ([scenario,] ending)          the MTD declared, as an index; -1 for none
    stop       ([scenario,] ending)          position in the coordinate `stop_reason`
    weight     (scenario, ending)            sums to 1
    p_dlt      (scenario, dose)              the true DLT rates, by which right and wrong are judged
    p_eff      (scenario, dose)              the true efficacy rates, where scenarios state them
    per_evaluable (scenario, dose)           patients enrolled for one that is evaluable, where some are replaced

and the entries of `doseopt.engines.entries`: which doses a trial has given when it first gives another.

attrs: `engine`; `trials`, the number simulated, infinite for the exact engine; `planned`, the most patients that the
design may enrol (nan if it has no cap).

A performance measure is a function of one ending. Its mean is the weighted sum over endings, and its Monte Carlo
standard error is sqrt(weighted variance / trials): 0 for the exact engine, without asking which engine it was. Where
endings are exact given each of some calendars that are drawn (`by_calendar`, see `ExactCalendars`), the variance is
that of the mean given a calendar, and `trials` are calendars.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.scenarios import MTDRule, OBDRule
from doseopt.scenarios.mtd_rule import judged_on, planned_of


def make_outcomes(
    design: Design,
    scenarios: xr.Dataset,
    *,
    n: IntArray,
    y: IntArray,
    selected: IntArray,
    stop: IntArray,
    weight: FloatArray,
    entries: dict[str, Any],
    reasons: Sequence[str],
    attrs: dict[str, Any],
) -> xr.Dataset:
    """Label and check the endings of a design's trials.

    Parameters
    ----------
    design : Design
    scenarios : Dataset
        With `p_dlt`.
    n, y : int array [E, D], or [R, E, D] if endings differ by scenario
    selected, stop : int array [E], or [R, E]
        `stop` holds codes, from 1.
    weight : float array [R, E]
    entries : dict
        Of `doseopt.engines.entries`.
    reasons : sequence of str
        What the codes of `stop` mean: the design's reasons, and the engine's own.
    attrs : dict
        `engine` and `trials`, with what else the engine wants to say.

    Raises
    ------
    Faults
        If the weights of a scenario do not sum to 1 within 1e-12, or the shapes do not fit.
    """
    astray = np.abs(weight.sum(axis=1) - 1).max(initial=0)
    if not astray <= 1e-12:
        raise Faults([Fault("", f"the weights of a scenario sum to 1 only within {astray:.3g}; wanted 1e-12")])
    lead = ("scenario", "ending") if n.ndim == 3 else ("ending",)
    return xr.Dataset(
        {
            "n": ((*lead, "dose"), n),
            "y": ((*lead, "dose"), y),
            "selected": (lead, selected),
            "stop": (lead, stop - 1),
            "weight": (("scenario", "ending"), weight),
            **{name: scenarios.variables[name] for name in ("p_dlt", "p_eff", "per_evaluable") if name in scenarios},
            **entries,
        },
        coords=scenarios.coords | xr.Coordinates({"stop_reason": list(reasons)}),
        attrs={"planned": float("nan") if design.facts.cap is None else float(design.facts.cap), **attrs},
    )


def judged(outcomes: xr.Dataset, rule: MTDRule) -> xr.Dataset:
    """Add what counts as right: `acceptable` (scenario, dose), `mtd` (scenario, -1 for none) and the target.

    Judged on the planned doses; with insertable ones `acceptable_of_all` says what is right among all.

    Examples
    --------
    >>> from doseopt import Exact, MTDRule, ThreePlusThree, judged, make_scenarios
    >>> outcomes = Exact()(ThreePlusThree(doses=2, target=0.25), make_scenarios([[0.25, 0.5]], ["first"]))
    >>> judged(outcomes, MTDRule(target=0.25))["acceptable"].values.tolist()
    [[True, False]]
    """
    p_dlt = outcomes["p_dlt"].to_numpy()
    right, mtd = judged_on(rule, p_dlt, planned_of(outcomes))
    found = {"acceptable": (("scenario", "dose"), right), "mtd": ("scenario", mtd)}
    if "planned" in outcomes.coords:
        found["acceptable_of_all"] = ("scenario", "dose"), rule.acceptable(p_dlt)
    known = {name: outcomes.variables[name] for name in outcomes.data_vars}
    return xr.Dataset(known | found, outcomes.coords, outcomes.attrs | {"target": rule.target})


def optimal(outcomes: xr.Dataset, rule: OBDRule) -> xr.Dataset:
    """Add what is right where efficacy counts: `obd_acceptable`, `utility` (scenario, dose), `obd` (scenario).

    Examples
    --------
    >>> from doseopt import Exact, OBDRule, ThreePlusThree, make_scenarios
    >>> scenarios = make_scenarios([[0.1, 0.2]], ["plateau"], p_eff=[[0.5, 0.5]])
    >>> optimal(Exact()(ThreePlusThree(doses=2, target=0.25), scenarios), OBDRule(phi_t=0.25))["obd"].values.tolist()
    [0]
    """
    return outcomes.assign(of_optimum(outcomes, rule))


def of_optimum(scenarios: xr.Dataset, rule: OBDRule) -> dict[str, Any]:
    """Return the variables of the optimal biological dose, from the rates of scenarios, or of outcomes under them."""
    p, q = (scenarios[name].transpose("scenario", "dose").to_numpy() for name in ("p_dlt", "p_eff"))
    right, both = np.zeros(p.shape, bool), np.ix_(range(len(p)), planned_of(scenarios))
    right[both] = rule.acceptable(p[both], q[both])
    lowest = np.where(right.any(axis=1), right.argmax(axis=1), -1)
    dims = ("scenario", "dose")
    return {
        "obd_acceptable": (dims, right, {"units": "1", "long_name": "dose is the optimal biological dose"}),
        "utility": (dims, rule.utility(p, q), {"units": "utility", "long_name": "true mean utility of a patient"}),
        "obd": ("scenario", lowest, {"units": "1", "long_name": "index of the OBD, -1 where none is right"}),
    }


def coords_along(outcomes: xr.Dataset, dims: Collection[str]) -> dict[Hashable, xr.DataArray]:
    """Return the coordinates that have no other dimensions."""
    return {name: each for name, each in outcomes.coords.items() if {*dims} >= {*each.dims}}
