"""CRM against R's dfcrm 0.2-2.1, beside what `doseopt verify` compares: integral, curve and selection."""

import numpy as np
import pytest

from doseopt import CRM
from doseopt.models.quadrature import quadrature
from doseopt.verify import CHECKS
from doseopt.verify.crm import moments
from doseopt.verify.trials import treated

CASES = CHECKS["crm-fits"].cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.given["id"]))
def test_fits(case):
    """`crm`, every row: mean and variance of b by a dense rule, dfcrm's rates from its estimate, its MTD selected."""
    given = case.given
    state = treated(given["K"], np.atleast_1d(given["level"]), np.atleast_1d(given["tox"]))
    design = CRM(
        doses=given["K"],
        target=given["target"],
        skeleton=given["prior"],
        model=given["model"],
        prior_sd=given["scale"],
        intercept=given["intcpt"] or 3,
    )
    posterior = quadrature(design.curve).posterior(state.n, state.y)
    found = [posterior.theta_mean()[0], posterior.theta_variance()[0]]
    np.testing.assert_allclose(found, moments(given, np.inf), rtol=0, atol=1e-10)
    estimate, rates = (np.array(case.printed[name], float) for name in ("estimate", "ptox"))
    np.testing.assert_allclose(np.exp(design.curve.log_dlt_rate(estimate[None], np))[0], rates, rtol=0, atol=1e-11)
    assert (str(design.select(state, np.zeros(1, np.int64))[0] + 1),) == case.printed["mtd"]
