"""The next dose after outcome strings against R's escalation 0.2.3: BOIN, mTPI, mTPI-2, TPI, CRM and 3+3.

Its `dont_skip_doses(when_escalating = TRUE)` counts from the last dose given.
"""

import numpy as np
import pytest
from peers.reading import grouped, read, vector

from doseopt.core.state import CONTINUE, TrialState
from doseopt.core.trial import after, selected, step
from doseopt.designs import BOIN, CRM, MTPI, MTPI2, TPI, ThreePlusThree
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import NoSkipping
from doseopt.models.skeleton import IndifferenceInterval

PRIOR = IndifferenceInterval(prior_mtd=2, halfwidth=0.05)
MAKE = {
    "BOIN": lambda target: BOIN(doses=4, target=target, tie="stay"),
    "mTPI": lambda target: MTPI(doses=4, target=target),
    "mTPI2": lambda target: MTPI2(doses=4, target=target),
    "TPI": lambda target: TPI(doses=4, target=target),
    "CRM": lambda target: CRM(doses=4, target=target, skeleton=PRIOR),
    "CRM_noskip": lambda target: Modified(CRM(doses=4, target=target, skeleton=PRIOR), (NoSkipping("last"),)),
    "CRM_logistic": lambda target: CRM(doses=4, target=target, skeleton=PRIOR, model="logistic"),
    "3+3": lambda target: ThreePlusThree(doses=4, target=0.25, on_descent="declare", confirm_top=False),
    "3+3_deescalate": lambda target: ThreePlusThree(doses=4, target=0.25, confirm_top=False),
}
ROWS = grouped(read("escalation_next_dose.csv"), "design", "target")


@pytest.mark.parametrize("key", ROWS, ids=" ".join)
def test_next_dose(key):
    name, target = key
    design, rows = MAKE[name](float(target or 0.25)), ROWS[key]
    state = TrialState.concatenate([after(design, row["outcomes"]) for row in rows])
    decision = step(design, state)
    wrong = []
    for i, row in enumerate(rows):
        going = decision.stop[i] == CONTINUE
        dose = decision.dose[i] if going else selected(design, state[i : i + 1], decision.stop[i : i + 1])[0]
        found = str(going).upper(), "" if dose < 0 else str(dose + 1)
        if found != (row["continue"], row["next_dose"]):
            wrong.append((row["outcomes"], found, (row["continue"], row["next_dose"])))
    assert wrong == []


@pytest.mark.parametrize("key", [key for key in ROWS if key[0] in ("CRM", "CRM_noskip", "CRM_logistic")], ids=" ".join)
def test_estimated_rates(key):
    """`mean_prob_tox`: dfcrm's plug-in rates, to the accuracy of dfcrm's integrals."""
    rows = ROWS[key]
    design = MAKE[key[0]](float(key[1]))
    base = design.base if isinstance(design, Modified) else design
    state = TrialState.concatenate([after(base, row["outcomes"]) for row in rows])
    wanted = [vector(row["mean_prob_tox"]) for row in rows]
    np.testing.assert_allclose(base.estimated(state), wanted, rtol=0, atol=1e-6)
