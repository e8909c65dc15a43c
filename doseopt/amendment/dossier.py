"""Everything that an amendment report says, computed: registered against amended, before and after the data so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import xarray as xr

from doseopt.amendment.amend import amend, pairs, standings_of
from doseopt.amendment.criteria import criteria_faults
from doseopt.amendment.interims import at_interims
from doseopt.amendment.larger import Larger, worse_with_more
from doseopt.amendment.recommend import Recommendation, recommend
from doseopt.attainable.from_here import attainable_from
from doseopt.comparison.break_even import break_even
from doseopt.comparison.compare import compare
from doseopt.comparison.posteriors import Posteriors
from doseopt.comparison.readings import readings_of
from doseopt.comparison.silences import silences
from doseopt.conduct.decided_on import by_model
from doseopt.conduct.examples import example_trials
from doseopt.conduct.groupings import with_warning
from doseopt.conduct.pathways import paths
from doseopt.conduct.posterior import Analysis, able, analyse
from doseopt.core.beside import in_turn
from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.design import Row
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.progress import Progress
from doseopt.designs.waiting import made_to_wait
from doseopt.engines.budget import TooManyStates
from doseopt.engines.enrolling import loses
from doseopt.engines.graph import most_patients
from doseopt.engines.simulate import ExactWherePossible
from doseopt.records.record import Record
from doseopt.records.replay import Standing
from doseopt.records.trial import Trial
from doseopt.study.amendment import Proposal
from doseopt.study.study import Study

NODES = 10**9
"""Of posteriors that the accuracy of estimates is computed with: a fifth of what `doseopt compare` takes."""
AHEAD = 2
"""Cohorts that pathways look ahead."""


@dataclass(frozen=True, eq=False)
class Dossier:
    """What a report is made from.

    Attributes
    ----------
    study : Study
    proposal : Proposal
    cohorts : tuple of Cohort
        Of the trial so far, as the registered design cuts them where the data state none.
    trial : Trial
    departures : list of str
        Where the trial so far was not the registered design's.
    amendment : DataTree
        Of `amend`.
    comparison : Dataset
        Of `compare`, the designs concerned.
    silences : Dataset or None
        Of `silences`; None for a design that no protocol could mean otherwise.
    readings : mapping of str to list of str
        The silences of the registered design, the readings of each, the one in use first.
    attainable : Dataset
        Of `attainable_from`, from the start and from the data so far.
    analysis : Analysis
        What is known of the DLT rates.
    pathways : mapping of str to Dataset
        Of `conduct.paths`, two cohorts ahead, by design.
    truth : str
        The scenario closest to the posterior means of the DLT rates; the example trials are drawn from it.
    examples : mapping
        Of `example_trials`.
    rows : mapping of str to list of Row
        Each design, rule by rule.
    interims : Dataset or None
        Each design at the interims of the study file, (interim, design).
    digest : str
        Names and SHA-256 of the files that the patients came in, if they came in any.
    command : str
        That makes the report again.
    recommendation : Recommendation or None
        By the criteria that the study states; None if it states none.
    larger : mapping of str to Larger
        Proposed designs that select correctly less often in some scenarios than with as many patients as the registered
        one, by name.
    break_even : Dataset or None
        Of `break_even`; None where too few designs are small enough for it.
    record : Record or None
        What is known of the patients beside DLTs, where their tables are given.
    decided : Dataset or None
        Of `by_model`: what is decided on, under each model that the doses allow, the study's first.
    """

    study: Study
    proposal: Proposal
    cohorts: tuple[Cohort, ...]
    trial: Trial
    departures: list[str]
    amendment: xr.DataTree
    comparison: xr.Dataset
    silences: xr.Dataset | None
    readings: Mapping[str, list[str]]
    attainable: xr.Dataset
    analysis: Analysis
    pathways: Mapping[str, xr.Dataset]
    truth: str
    examples: Mapping[str, Mapping[str, Mapping[str, Any]]]
    rows: Mapping[str, list[Row]]
    interims: xr.Dataset | None
    digest: str = ""
    command: str = ""
    recommendation: Recommendation | None = None
    larger: Mapping[str, Larger] = field(default_factory=dict)
    break_even: xr.Dataset | None = None
    record: Record | None = None
    decided: xr.Dataset | None = None

    @property
    def designs(self) -> list[str]:
        """The registered design, then the amended ones."""
        return [self.proposal.registered, *self.proposal.amended]

    @property
    def outcomes(self) -> str:
        """The trial so far, as an outcome string."""
        return format_outcomes(self.cohorts)


def proposed(study: Study, registered: str = "", amended: Sequence[str] = ()) -> Proposal:
    """Return the amendment that the study file proposes, with other designs if they are named.

    Without an `[amendment]` in the file the first design is the registered one, and all others that look at DLTs only
    are proposed.

    Raises
    ------
    Faults
        If a design is not in the study.
    """
    known = list(study.designs)
    named = [("registered", name) for name in (registered,) if name] + [("amended", name) for name in amended]
    faults = [
        Fault(where, f"no design {name!r} in the study{nearest(name, known)}")
        for where, name in named
        if name not in known
    ]
    askable = tuple(name for name in known[1:] if not study.designs[name].facts.outcomes.beside)
    base = study.proposal or Proposal(known[0], askable)
    first = registered or base.registered
    faults += criteria_faults(base.criteria)
    faults += [Fault("amended", f"{name} is the registered design") for name in amended if name == first]
    faults += [Fault("amended", f"{name} is named twice") for k, name in enumerate(amended) if name in amended[:k]]
    others = tuple(amended) or tuple(name for name in base.amended if name != first)
    if not others:
        faults.append(Fault("designs", f"wanted a second one, to be proposed instead of {first}, got none"))
    if faults:
        raise Faults(faults, study.name)
    return dataclasses.replace(base, registered=first, amended=others)


def gather(study: Study, trial: Trial, proposal: Proposal, progress: Progress = lambda _: None) -> Dossier:
    """Compute everything that a report says.

    Parameters
    ----------
    study : Study
    trial : Trial
        So far.
    proposal : Proposal
    progress : callable, optional
        Told each step when its turn comes.

    Raises
    ------
    Faults
        As `amend`.
    """
    designs = study.choose([proposal.registered, *proposal.amended])
    which = proposal.registered, proposal.amended
    seen, standings = standings_of(study, trial, *which)
    scenarios = study.scenarios  # made, and what labels them loaded, before copies of this process would do so, too
    works: dict[str, Callable[[], Any]] = {  # the first begin beside, the last may be left to be done here
        "the same patients under both designs": partial(pairs, study, trial, *which),
        "readings of the protocol": partial(_silences, study, proposal.registered),
        "accuracy of estimates": partial(_with_accuracy, dataclasses.replace(study, designs=designs)),
        "what is attainable": partial(_attainable, study, standings),
        "decisions by model": lambda: by_model(study, trial, able(study)),
        "break-even points": partial(_break_even, study, proposal),
        "interims": lambda: at_interims(study, proposal) if proposal.interims and not seen.cohorts else None,
    }
    paired, *waits = in_turn(list(works.values()))
    tree = amend(study, trial, *which, progress, paired)
    warned = with_warning(trial, seen.design)
    progress("what is known of each dose")
    analysis = analyse(study, warned)
    truth = _closest(scenarios, analysis)
    progress("caps that are larger and worse")
    waiting, most = {name: made_to_wait(designs[name]) for name in proposal.amended}, most_patients(seen.design)
    larger = {name: worse_with_more(study, design, most) for name, design in waiting.items()}
    progress("example trials")
    examples = _examples(study, standings, truth)
    progress("criteria and pathways")
    recommendation = None if proposal.criteria is None else recommend(study, warned, standings, proposal.criteria)
    pathways = {name: paths(study, warned, name, AHEAD, judge=proposal.registered) for name in designs}
    found = []
    for what, wait in zip(list(works)[1:], waits, strict=True):
        progress(what)
        found.append(wait())
    (varied, readings), comparison, attainable, decided, turns, interims = found
    return Dossier(
        study=study,
        proposal=proposal,
        cohorts=seen.cohorts,
        trial=warned,
        departures=seen.as_cut.departures,
        amendment=tree,
        comparison=comparison,
        silences=varied,
        break_even=turns,
        readings=readings,
        attainable=attainable,
        analysis=analysis,
        decided=decided,
        pathways=pathways,
        truth=truth,
        examples=examples,
        rows={name: list(design.describe()) for name, design in designs.items()},
        interims=interims,
        recommendation=recommendation,
        larger={name: found for name, found in larger.items() if found is not None},
    )


def _attainable(study: Study, standings: Mapping[str, Standing]) -> xr.Dataset:
    """Return what is attainable from where trials stand."""
    going = {name: design for name, (design, _) in standings.items()}
    return attainable_from(study, {name: state for name, (_, state) in standings.items()}, going=going)


def _with_accuracy(study: Study) -> xr.Dataset:
    """Return the comparison, with the accuracy of the posterior by the tallies that carry most weight."""
    engine = ExactWherePossible()
    comparison = compare(study, engine, posteriors=False)
    found = Posteriors(study, engine, comparison, most_nodes=NODES)
    found.estimates.run()
    return found.added_to(comparison)


def _break_even(study: Study, proposal: Proposal) -> xr.Dataset | None:
    """Return how wrong the study may be before a proposed design is no better."""
    try:
        return break_even(study, proposal.registered, proposal.amended)
    except (Faults, TooManyStates):
        return None


def _examples(study: Study, standings: Mapping[str, Standing], truth: str) -> Mapping[str, Any]:
    """Return example trials; none where patients who are left out have no place in cohorts told one by one."""
    lost = any(loses(standing.design, study.scenarios) for standing in standings.values())
    return {} if lost else example_trials(study, standings, truth)


def _silences(study: Study, name: str) -> tuple[xr.Dataset | None, dict[str, list[str]]]:
    """Return the operating characteristics under every reading of a design, and the readings."""
    try:
        varied = silences(study, name)
    except Faults:
        return None, {}
    factors = readings_of(study, study.designs[name])
    return varied, {factor: [reading.value for reading in each] for factor, each in factors.items()}


def _closest(scenarios: xr.Dataset, analysis: Analysis) -> str:
    """Return the scenario whose DLT rates are closest to the posterior means, by the sum of squares."""
    off = scenarios["p_dlt"].to_numpy() - analysis.summary["mean"].to_numpy()
    return str(scenarios["scenario"].to_numpy()[(off**2).sum(axis=1).argmin()])
