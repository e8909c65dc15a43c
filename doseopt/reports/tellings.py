"""Python's verbs that tell how a design behaves: paths, walk, examine."""

from __future__ import annotations

from functools import partial

from doseopt.reports.given import GivenStudy, GivenTrial, Truth, study_of, trial_of
from doseopt.reports.result import Answer, Result
from doseopt.reports.verbs import Days
from doseopt.study.study import Study


def paths(
    study: GivenStudy,
    trial: GivenTrial = None,
    *,
    design: str = "",
    cohorts: int = 3,
    scenario: str = "",
    cutoff: Days = None,
    window: float | None = None,
) -> Result:
    """Return the dose transition pathways: each way in which the next cohorts can turn out, and what is next.

    Parameters
    ----------
    study : Study, str, Path, design or several
    trial : Trial, str or Path, optional
        So far.
    design : str
        Of the study; may be left out if it has one.
    cohorts : int
        To look ahead.
    scenario : str
        The truth to weigh with; the posterior predictive of the study's model if left out.
    cutoff : date or str, optional
    window : float, optional
        Days, as in `next_dose`.

    Returns
    -------
    Result
        A Dataset (node): cohort given, what is next, probability.

    Examples
    --------
    >>> from doseopt import BOIN, paths
    >>> found = paths(BOIN(doses=3, target=0.25), cohorts=1)
    >>> round(found.probability.where(found.depth == 1).sum().item(), 12)
    1.0
    """
    from doseopt.conduct.pathways import paths as run
    from doseopt.reports.sections.pathways import paths_document

    known = study_of(study)
    found = run(known, trial_of(known, trial, cutoff, window), _one(known, design), cohorts, scenario)
    return Result.of(found, paths_document)


def walk(
    study: GivenStudy, *, design: str = "", scenario: str = "", seed: int = 1, truth: Truth | None = None
) -> Answer:
    """Tell one simulated trial in words, cohort by cohort, with the reasons.

    Parameters
    ----------
    study : Study, str, Path, design or several
    design, scenario : str
        Of the study; may be left out if it has one.
    seed : int
        With one seed all designs meet the same patients.
    truth : float array [doses], optional
        True DLT rates, in place of those that the study states.

    Returns
    -------
    Answer
        As `doseopt walk --json` has it.

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified, walk
    >>> told = walk(Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),)), truth=[0.1, 0.3])
    >>> told["scenario"]
    'S1'
    """
    from doseopt.conduct.walk import walk as run
    from doseopt.records.trial import Trial
    from doseopt.reports.sections.walk import walk_document

    known = study_of(study, truth)
    scenarios = [str(name) for name in known.scenarios["scenario"].to_numpy()]
    truly = scenario or (scenarios[0] if len(scenarios) == 1 else "")
    found = run(known, Trial(known.doses), _one(known, design), truly, seed)
    return Answer(found, partial(walk_document, found))


def examine(study: GivenStudy, *, design: str = "", scenario: str = "", truth: Truth | None = None) -> Answer:
    """Show what a design does after hypothetical data, and search it for decisions that a reader would question.

    Parameters
    ----------
    study : Study, str, Path, design or several
    design : str
        Of the study; may be left out if it has one.
    scenario : str
        The truth to weigh with; all that the study states if left out.
    truth : float array [scenarios, doses], or mapping of str to rates, optional
        In place of those that the study states.

    Returns
    -------
    Answer
        ``hypothetical`` and ``irrational``, Datasets.

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified, examine
    >>> found = examine(Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),)), truth=[0.1, 0.3])
    >>> sorted(found)
    ['hypothetical', 'irrational']
    """
    from doseopt.conduct.examine import examine as run
    from doseopt.reports.sections.examination import examination_document

    known = study_of(study, truth)
    found = run(known, _one(known, design), scenario)
    both = {"hypothetical": found.hypothetical, "irrational": found.irrational}
    return Answer(both, partial(examination_document, **both))


def _one(study: Study, design: str) -> str:
    """Return the name of the design that is meant: the only one, where none is named."""
    return design or (next(iter(study.designs)) if len(study.designs) == 1 else "")
