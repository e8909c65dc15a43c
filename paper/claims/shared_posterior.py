"""Two engines that share a posterior agree, also where it is wrong: a CRM with Gauss-Hermite nodes on its prior."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from doseopt import CRM
from doseopt.core.design import Design
from doseopt.core.state import FloatArray, TrialState
from doseopt.designs.layers import with_rule
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import measure
from doseopt.models.rates import log_complement
from paper.material import Material

NODES = (21, 41, 81)
TRIALS, FEW, SEED = 10_000, 400, 11


@dataclass(frozen=True)
class HermiteCRM(CRM):
    """The empiric CRM with plug-in estimates whose integrals are sums over nodes placed on the prior of b."""

    nodes: int = 21

    def estimated(self, state: TrialState) -> FloatArray:
        """Return s_j^exp(E b), [S, D]."""
        z, weight = hermegauss(self.nodes)
        b = self.prior_sd * z
        log_s = np.log(np.array(self.rates))
        log_p = np.minimum(np.exp(b)[:, None] * log_s, -1e-300)
        log_f = state.y @ log_p.T + (state.n - state.y) @ log_complement(log_p).T + np.log(weight)
        share = np.exp(log_f - log_f.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        return np.asarray(np.exp(np.exp((share @ b)[:, None]) * log_s))


def _with_nodes(design: Any, nodes: int) -> Design:
    def change(rule: Any) -> Design:
        given = {field.name: getattr(rule, field.name) for field in dataclasses.fields(rule)}
        return HermiteCRM(**given, nodes=nodes)

    return with_rule(design, change)


def shared_error(material: Material) -> dict[str, Any]:
    """Return correct selection with accurate and with coarse integrals, exact and simulated."""
    study, scenarios = material.study, material.study.scenarios
    design = study.designs[material.roles["crm_large"]]
    trials = FEW if material.is_reduced else TRIALS

    def correct(candidate: Design, engine: Any) -> tuple[FloatArray, FloatArray]:
        value, error = measure(judged(engine(candidate, scenarios), study.mtd), "correct_selection")
        return value.to_numpy(), error.to_numpy()

    truth, _ = correct(design, Exact())
    rows = []
    for nodes in NODES:
        coarse, _ = correct(_with_nodes(design, nodes), Exact())
        wrong = coarse - truth
        at = int(np.abs(wrong).argmax())
        means = {"mean": coarse.mean(), "worst_truth": truth[at], "worst": coarse[at], "error": abs(wrong[at])}
        rows.append({"nodes": nodes, **means, "scenario": str(scenarios["scenario"].to_numpy()[at])})
    coarse, _ = correct(_with_nodes(design, NODES[0]), Exact())
    simulated, error = correct(_with_nodes(design, NODES[0]), Simulate(trials, SEED))
    z = np.abs(simulated - coarse) / np.where(error > 0, error, np.inf)
    return {
        "design": material.roles["crm_large"],
        "truth_mean": truth.mean(),
        "rows": rows,
        "first": rows[0],
        "last": rows[-1],
        "simulated_mean": simulated.mean(),
        "agrees_within": np.abs(simulated - coarse).max(),
        "largest_z": z.max(),
        "scenarios": len(truth),
        "trials": trials,
        "seed": SEED,
    }
