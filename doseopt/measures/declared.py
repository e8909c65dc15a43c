"""Evidence at the declared dose: what has been seen there, and what is known of it, when a trial names it the MTD."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from doseopt.core.definition import Definition
from doseopt.core.state import NONE, FloatArray
from doseopt.measures.endings import TOO_HIGH, Endings
from doseopt.measures.estimates import Estimates
from doseopt.measures.estimation import Said, labelled, means_given

FEW = 3
"""Patients at the declared dose that are few."""
DOUBTFUL = 0.25
"""Posterior probability of a rate above `TOO_HIGH` from which a declared dose is doubtful."""


def declared_evidence(outcomes: xr.Dataset, definition: Definition | None = None) -> xr.Dataset:
    """Return what has been seen at the declared dose, (scenario), each with its Monte Carlo error.

    Parameters
    ----------
    outcomes : Dataset
    definition : Definition, optional
        What the protocol demands to be seen at the MTD.

    Returns
    -------
    Dataset
        `declared_patients`, `declared_dlts`: means over the trials that declare a dose, nan if none does.
        `declared_on_few`, and `meets_definition` if there is one: shares of all trials.

    Examples
    --------
    With one dose 3+3 declares it on six patients with at most one DLT; at a rate of 0.3, 0.7^6 + 6 x 0.3 x 0.7^5:

    >>> from doseopt import Exact, ThreePlusThree, make_scenarios
    >>> outcomes = Exact()(ThreePlusThree(doses=1, target=0.25), make_scenarios([[0.3]], ["one"]))
    >>> found = declared_evidence(outcomes, Definition(6, "1/6"))
    >>> round(found.declared_patients.item(), 4), round(found.meets_definition.item(), 4)
    (6.0, 0.4202)
    """
    counts = {
        "declared_patients": "expected patients at the declared dose, given that one is declared",
        "declared_dlts": "expected patients with a DLT at the declared dose, given that one is declared",
    }
    names = {"declared_on_few": f"probability that a dose is declared on {FEW} patients there or fewer"}
    if definition is not None:
        names["meets_definition"] = f"probability that a dose is declared on {definition.describe()}"

    def say(some: Endings) -> Iterator[Said]:
        n, y, named = some.declared
        yield named, {"declared_patients": n, "declared_dlts": y}
        yield None, {"declared_on_few": named & (n <= FEW)}
        if definition is not None:
            yield None, {"meets_definition": named & definition.met(n, y)}

    found = means_given(Endings.of(outcomes), say)
    return labelled(outcomes, found, counts | names, dict.fromkeys(counts, "patients"))


def declared_posterior(outcomes: xr.Dataset, estimates: Estimates) -> xr.Dataset:
    """Return what the common posterior says of the declared dose, given that one is declared, (scenario).

    Parameters
    ----------
    outcomes : Dataset
        One of those that the estimates were made for.
    estimates : Estimates

    Returns
    -------
    Dataset
        `declared_p_over`, the mean of Pr(rate > 1/3 | data), and `declared_doubtful`, the share of declarations in
        which it exceeds a quarter. Endings whose posterior was not computed are left out.
    """

    def say(some: Endings) -> Iterator[Said]:
        rank, selected = estimates.rank(some.n, some.y), some.selected
        known = (rank < estimates.done) & (selected != NONE)
        over: FloatArray = estimates.over[np.where(known, rank, 0), np.where(known, selected, 0)]
        yield known, {"declared_p_over": over, "declared_doubtful": over > DOUBTFUL}

    what = f"posterior probability of a rate above {TOO_HIGH:.3g} at the declared dose"
    names = {
        "declared_p_over": f"expected {what}",
        "declared_doubtful": f"probability that the {what} exceeds {DOUBTFUL:g}",
    }
    names = {name: f"{text}, given that one is declared" for name, text in names.items()}
    return labelled(outcomes, means_given(Endings.of(outcomes), say), names)
