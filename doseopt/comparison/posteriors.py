"""Posteriors of a comparison: what is known of the DLT rates after each design."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import xarray as xr

from doseopt.beliefs.right import Definitions
from doseopt.comparison.endings import typical_endings
from doseopt.comparison.evaluate import Engine, along_designs, in_one, outcomes_of, variables_of
from doseopt.core.design import Design
from doseopt.measures.decisive import decisive_accuracy, declared_of
from doseopt.measures.declared import declared_posterior
from doseopt.measures.estimation import Estimates, labelled_prior, posterior_measures
from doseopt.measures.reliability import COORDS as RELIABILITY
from doseopt.measures.reliability import reliability
from doseopt.study.study import Study

type Progress = Callable[[str], object]


def estimates_of(
    study: Study, engine: Engine, progress: Progress = lambda _: None, most_nodes: int | None = None
) -> Estimates:
    """Return the tallies that the designs of a study can end with, to compute posteriors at; see `with_posteriors`."""
    scenarios = study.scenarios

    def each() -> Iterator[xr.Dataset]:
        for name, design in study.designs.items():
            progress(name)
            yield from outcomes_of(study, engine, name, design, scenarios)

    return Estimates(study.curve(), each(), most_nodes, Definitions((study.mtd,), study.doses.planned()))


def with_posteriors(result: xr.Dataset, study: Study, engine: Engine, estimates: Estimates) -> xr.Dataset:
    """Add what is known of the DLT rates after each design, as far as it has been computed.

    Parameters
    ----------
    result : Dataset
        Of `compare`.
    study : Study
    engine : Exact, Simulate or ExactWherePossible
        That the comparison was made with.
    estimates : Estimates
        Of `estimates_of`, run to the end or interrupted.

    Returns
    -------
    Dataset
        With the measures of `estimation.MEASURES` as `posterior_<name>`, `prior_<name>`, those of `declared_posterior`,
        `decisive_accuracy` and `reliability`, and `posterior_left_out`, the probability of the endings that they leave
        out; with what `typical_endings` says.
        Unchanged if no posterior has been computed.
    """
    if not estimates.done:
        return result
    scenarios = study.scenarios
    parts = []
    for name, design in study.designs.items():
        blocks = outcomes_of(study, engine, name, design, scenarios)
        parts.append(in_one(_of_posteriors(outcomes, design, estimates) for outcomes in blocks))
    found = xr.Dataset(along_designs(parts), coords={"design": list(study.designs), **RELIABILITY})
    sizes = result["endings"].to_series().to_dict() if "endings" in result else {}
    endings = typical_endings(study, engine, sizes, estimates)
    result = result.assign(found).assign(labelled_prior(estimates)).assign(endings.data_vars)
    whose = "; here of patients of unknown population" if study.posterior.model == "two_populations" else ""
    return result.assign_attrs(posterior_model=f"{study.describe_model()}{whose}", **endings.attrs)


def _of_posteriors(outcomes: xr.Dataset, design: Design, estimates: Estimates) -> dict[str, xr.Variable]:
    return variables_of(
        posterior_measures(outcomes, estimates),
        declared_posterior(outcomes, estimates),
        decisive_accuracy(outcomes, design, estimates),
        reliability(declared_of(outcomes, estimates)),
    )
