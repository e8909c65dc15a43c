"""The facts of the study: doses, definition of the MTD, scenarios, belief, prior."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq

from doseopt import BOIN
from doseopt.designs.layers import layers
from doseopt.engines.exact import Exact
from doseopt.measures.estimates import LEVEL
from doseopt.measures.estimation import CEILING
from doseopt.scenarios.doses import Doses
from doseopt.study.study import Study
from paper.material import Material

CHILDREN = 8
"""With acute liver failure, in whom encapsulated hepatocytes were reported as safe (Dhawan et al. 2020)."""
CELLS = 1e9
"""The unit of doses in the text."""


def claims(material: Material) -> dict[str, Any]:
    """Return the facts that the study file states, and what follows from them by arithmetic."""
    study = material.study
    doses = study.doses
    return {
        "title": study.title,
        "registry": study.registry,
        "planned": study.planned_enrolment,
        "children": CHILDREN,
        "target": study.target,
        "none_above": study.mtd.none_threshold,
        "mtd_rule": study.mtd.describe(),
        "names": material.roles,
        "caps": material.caps,
        "doses": _doses(doses),
        "definition": definition(material),
        "escalates_half": brentq(lambda p: passes(p) - 0.5, 0.01, 0.99),
        "escalates_at_target": passes(study.target),
        "halfwidth": _skeleton(material)["halfwidth"],
        "prior_mtd": _skeleton(material)["prior_mtd"],
        "skeleton": list(_crm(material).rates),
        "prior_variance": _crm(material).prior_sd ** 2,
        "cohort": _crm(material).cohort,
        "boin": _boin(study),
        "scenarios": _scenarios(material),
        "scenario_count": material.comparison.sizes["scenario"],
        "belief": _belief(study),
        "posterior": {
            **_prior(study),
            "low": study.posterior.intervals[0],
            "high": study.posterior.intervals[1],
            "level": LEVEL,
            "ceiling": CEILING,
            **{part: material.comparison[f"prior_{part}"].to_numpy() for part in ("mean", "lower", "upper")},
        },
    }


def passes(p: float) -> float:
    """Return the probability that the 3+3 rule goes up from a dose."""
    return (1 - p) ** 3 + 3 * p * (1 - p) ** 5


def _prior(study: Study) -> dict[str, float]:
    """Return the prior of the two-parameter logistic model and its reference dose."""
    curve: Any = study.curve()
    (mean_a, mean_b), variance = curve.prior().mean, np.diag(curve.prior().cov)
    sd_a, sd_b = np.sqrt(variance)
    reference = curve.reference_dose / CELLS
    return {"mean_a": mean_a, "mean_b": mean_b, "sd_a": sd_a, "sd_b": sd_b, "reference": reference}


def _doses(doses: Doses) -> dict[str, Any]:
    assert doses.values is not None
    values = np.array(doses.values) / CELLS
    steps = values[1:] / values[:-1]
    return {
        "count": len(values),
        "list": [f"{v:g}" for v in values],
        "first": f"{values[0]:g}",
        "second": f"{values[1]:g}",
        "top": f"{values[-1]:g}",
        "steps": steps,
        "semilog": 10**0.5,
        "smallest_step": steps.min(),
        "largest_step": steps.max(),
        "tolerance": doses.tolerance,
    }


def definition(material: Material) -> dict[str, Any]:
    """Return what the rules demand of a declared MTD, read off every ending of the design without a cap."""
    design = material.study.designs[material.roles["uncapped"]]
    outcomes = Exact()(design, material.study.scenarios)
    selected = outcomes["selected"].to_numpy()
    n, y = (outcomes[name].to_numpy() for name in ("n", "y"))
    declared = np.flatnonzero(selected >= 0)
    at = selected[declared]
    clean = np.flatnonzero((y.sum(axis=1) == 0) & (selected == design.facts.doses - 1))[0]
    patients, dlts = int(n[declared, at].min()), int(y[declared, at].max())
    cap = outcomes["n"].sum("dose").max()
    return {
        "patients": patients,
        "dlts": dlts,
        "accepts": dlts / patients,
        "rejects": (dlts + 1) / patients,
        "clean_path": n[clean],
        "needed": int(n[clean].sum()),
        "most": int(cap),
    }


def _crm(material: Material) -> Any:
    return layers(material.study.designs[material.roles["crm_small"]]).rule


def _skeleton(material: Material) -> dict[str, Any]:
    return vars(_crm(material).skeleton)


def _boin(study: Study) -> dict[str, Any]:
    rules = (layers(design).rule for design in study.designs.values())
    design = next(rule for rule in rules if isinstance(rule, BOIN))
    return {"escalate": design.lambda_e, "deescalate": design.lambda_d}


def _scenarios(material: Material) -> list[dict[str, Any]]:
    ds = material.comparison
    labels = ds["dose"].to_numpy()
    return [
        {
            "name": str(name),
            "p": ds["p_dlt"].sel(scenario=name).to_numpy(),
            "mtd": str(labels[int(ds["mtd"].sel(scenario=name))]) if int(ds["mtd"].sel(scenario=name)) >= 0 else "none",
            "reason": str(ds["reason"].sel(scenario=name).item()),
        }
        for name in ds["scenario"].to_numpy()
    ]


def _belief(study: Study) -> dict[str, Any]:
    belief = study.believed()
    mtd = study.mtd.mtd(belief.p_dlt)
    shares = [float(belief.mean(mtd == j)) for j in range(belief.doses)]
    return {
        **{name: value for name, value in vars(study.belief).items() if isinstance(value, int | float)},
        "count": int(np.count_nonzero(belief.weights)),
        "mtd": shares,
        "lowest": shares[0],
        "none": float(belief.mean(mtd < 0)),
        "top": shares[-1],
    }
