"""How far the results of this build can be trusted: checks made in it, and recorded ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

from doseopt import ThreePlusThree
from doseopt.core.state import FloatArray
from doseopt.designs.layers import layers
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.models.quadrature import quadrature
from paper.material import Material
from paper.store import ROOT, digest, read_json

TRIALS, FEW, SEED = 10_000, 400, 3
FAMILY_ERROR = 1e-4
ENOUGH = 5
"""Standard error, in trials, from which a count is about normal."""
SBC = ROOT / "tests" / "slow" / "sbc_results.json"


def claims(material: Material) -> dict[str, Any]:
    """Return the checks."""
    return {
        "mass": _mass(material),
        "closed_form": _closed_form(material),
        "quadrature": _quadrature(material),
        "simulation": _simulation(material),
        "sbc": _calibration_of_samplers(),
    }


def _mass(material: Material) -> dict[str, float]:
    """Return the largest distance of a total probability from one."""
    scenarios = material.study.scenarios
    totals = [Exact()(d, scenarios)["weight"].sum("ending").to_numpy() for d in material.study.designs.values()]
    return {"largest": float(np.abs(np.array(totals) - 1).max())}


def _closed_form(material: Material) -> dict[str, float]:
    """Compare the classic rule without de-escalation with the formulas of Lin and Shih."""
    doses = len(material.study.doses.labels)
    rule = ThreePlusThree(doses=doses, target=material.study.target, on_descent="declare", confirm_top=False)
    outcomes = Exact()(rule, material.study.scenarios)
    ours = measure(outcomes, "selection")[0].transpose("scenario", "dose").to_numpy()
    theirs = np.array([lin_shih(p) for p in outcomes["p_dlt"].transpose("scenario", "dose").to_numpy()])
    return {"largest": float(np.abs(ours - theirs).max()), "numbers": int(ours.size)}


def lin_shih(p: FloatArray) -> FloatArray:
    """Return P(MTD = j): dose j passed and the next one not, Lin and Shih (2001)."""
    passed = (1 - p) ** 3 + 3 * p * (1 - p) ** 2 * (1 - p) ** 3
    reached = np.cumprod(passed)
    return np.asarray(reached * np.append(1 - passed[1:], 1.0))


def _quadrature(material: Material) -> dict[str, float]:
    """Compare the CRM's posterior mean of b with adaptive quadrature at every tally with which its trials can end."""
    design = material.study.designs[material.roles["crm_small"]]
    rule: Any = layers(design).rule
    outcomes = Exact()(design, material.study.scenarios)
    n, y = (outcomes[name].to_numpy() for name in ("n", "y"))
    ours = quadrature(rule.curve).posterior(n, y).theta_mean()
    theirs = np.array([_adaptive(rule, n[k], y[k]) for k in range(len(n))])
    return {"largest": float(np.abs(ours - theirs).max()), "tallies": len(n)}


def _adaptive(crm: Any, n: FloatArray, y: FloatArray) -> float:
    log_s, sd = np.log(np.array(crm.rates)), crm.prior_sd

    def density(b: float) -> float:
        log_p = np.exp(b) * log_s
        return float(np.exp(y @ log_p + (n - y) @ np.log(-np.expm1(log_p)) - b**2 / (2 * sd**2)))

    grid = np.linspace(-6, 6, 2401)
    top = float(grid[np.argmax([density(b) for b in grid])])
    options = {"points": [top - 0.3, top, top + 0.3], "epsabs": 0.0, "epsrel": 1e-11, "limit": 400}
    ends = (-12.0, 12.0)
    total = quad(density, *ends, **options)[0]
    return float(
        quad(lambda b: (b - top) * density(b), *ends, **(options | {"epsabs": 1e-13 * total}))[0] / total + top
    )


def _simulation(material: Material) -> dict[str, Any]:
    """Compare correct and no selection of every design with simulation, in standard errors."""
    trials = FEW if material.is_reduced else TRIALS
    scenarios = material.study.scenarios
    z = []
    for design in material.study.designs.values():
        exact, drawn = (judged(e(design, scenarios), material.study.mtd) for e in (Exact(), Simulate(trials, SEED)))
        for name in ("correct_selection", "no_selection", "sample_size", "total_dlts"):
            value, error = (part.to_numpy() for part in measure(drawn, name))
            truth = measure(exact, name)[0].to_numpy()
            if METRICS[name].units == "1":
                error = np.sqrt(truth * (1 - truth) / trials)
            known = error > ENOUGH / trials
            z.append(np.abs(value - truth)[known] / error[known])
    every = np.concatenate(z)
    bound = float(norm.ppf(1 - FAMILY_ERROR / 2 / len(every)))
    return {
        "largest": float(every.max()),
        "numbers": len(every),
        "bound": bound,
        "level": FAMILY_ERROR,
        "trials": trials,
        "seed": SEED,
    }


def _calibration_of_samplers() -> dict[str, Any]:
    """Summarise the recorded simulation-based calibration of the sampled models."""
    found = read_json(SBC)
    p = [value for model in found["models"].values() for value in model["p"].values()]
    return {
        "models": len(found["models"]),
        "datasets": min(model["datasets"] for model in found["models"].values()),
        "quantities": len(p),
        "least_p": min(p),
        "expected_least": 1 / (len(p) + 1),
        "seed": found["seed"],
        "digest": digest(SBC)[:16],
        "version": found["versions"]["doseopt"],
        "pymc": found["versions"]["pymc"],
    }
