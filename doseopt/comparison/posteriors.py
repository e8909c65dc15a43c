"""Posteriors of a comparison: what is known of the DLT rates after each design."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import xarray as xr

from doseopt.beliefs.right import Definitions
from doseopt.comparison.endings import likely_endings, typical_endings
from doseopt.comparison.evaluate import Engine, along_designs, in_one, outcomes_of, variables_of
from doseopt.core.beside import in_turn, processes
from doseopt.core.design import Design
from doseopt.measures.decisive import decisive_accuracy
from doseopt.measures.declared import declared_posterior
from doseopt.measures.estimates import Estimates
from doseopt.measures.estimation import labelled_prior, posterior_measures
from doseopt.measures.reliability import COORDS as RELIABILITY
from doseopt.measures.reliability import reliability
from doseopt.study.study import Study


class Posteriors:
    """What is known of the DLT rates after each design of a study, to be added to its comparison.

    The first posteriors are begun beside, where there may be another process, and typical endings are looked for.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
        That the comparison is made with.
    comparison : Dataset
        Of `compare`, as far as it is known.
    most_nodes : int, optional
        Of all quadratures together.
    beside : sequence of callable
        Other work, that is done between the two.

    Attributes
    ----------
    beside : list of callable
        What waits for it.
    """

    def __init__(
        self,
        study: Study,
        engine: Engine,
        comparison: xr.Dataset,
        most_nodes: int | None = None,
        beside: Sequence[Callable[[], Any]] = (),
    ) -> None:
        self._study, self._engine, self._most_nodes = study, engine, most_nodes
        first = self._begun if processes() > 1 else lambda: (self._none_yet(), None)
        sizes = {}
        if "endings" in comparison:
            sizes = dict(zip(*(comparison[name].to_numpy().tolist() for name in ("design", "endings")), strict=True))
        last = functools.partial(likely_endings, study, engine, sizes)
        works: list[Callable[[], Any]] = [first, *beside, last]
        self._first, *self.beside, self._likely = in_turn(works)

    @property
    def estimates(self) -> Estimates:
        """Of the tallies that designs can end with, once the first are done: to be run to the end, or interrupted."""
        estimates: Estimates = self._first()[0]
        return estimates

    def _none_yet(self) -> Estimates:
        study = self._study
        each = itertools.chain.from_iterable(self._outcomes(name) for name in study.designs)
        return Estimates(study.curve(), each, self._most_nodes, Definitions((study.mtd,), study.doses.planned()))

    def _begun(self) -> tuple[Estimates, dict[str, Any] | None]:
        """Compute the first posteriors, and the measures if these are all."""
        found = self._none_yet()
        found.advance()
        return found, self._measures(found) if found.done == found.wanted else None

    def _measures(self, estimates: Estimates) -> dict[str, Any]:
        parts = [
            in_one(_of_posteriors(outcomes, design, estimates) for outcomes in self._outcomes(name))
            for name, design in self._study.designs.items()
        ]
        return along_designs(parts)

    def _outcomes(self, name: str) -> Iterator[xr.Dataset]:
        return outcomes_of(self._study, self._engine, name, self._study.designs[name], self._study.scenarios)

    def added_to(self, comparison: xr.Dataset) -> xr.Dataset:
        """Return the comparison with the posteriors, as far as they have been computed.

        Returns
        -------
        Dataset
            With the measures of `estimation.MEASURES` as `posterior_<name>`, `prior_<name>`, those of
            `declared_posterior`, `decisive_accuracy` and `reliability`, and `posterior_left_out`, the probability of
            the endings that they leave out; with what `typical_endings` says.
            Unchanged if no posterior has been computed.
        """
        study, (estimates, known) = self._study, self._first()
        if not estimates.done:
            return comparison
        measures = known or self._measures(estimates)
        found = xr.Dataset(measures, coords={"design": list(study.designs), **RELIABILITY})
        endings = typical_endings(list(study.designs), self._likely(), estimates)
        result = comparison.assign({**found.data_vars, **labelled_prior(estimates), **endings.data_vars})
        whose = "; here of patients of unknown population" if study.posterior.model == "two_populations" else ""
        return result.assign_attrs(posterior_model=f"{study.describe_model()}{whose}", **endings.attrs)


def _of_posteriors(outcomes: xr.Dataset, design: Design, estimates: Estimates) -> dict[str, xr.Variable]:
    return variables_of(
        posterior_measures(outcomes, estimates),
        declared_posterior(outcomes, estimates),
        decisive_accuracy(outcomes, design, estimates),
        reliability(outcomes, estimates),
    )
