"""Python's verbs that search, and the one that reads a record: limits, calibrate, record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from doseopt.calibration.objective import Objective
from doseopt.reports.given import GivenStudy, Truth, study_of
from doseopt.reports.result import Answer, Result
from doseopt.reports.verbs import Days


def limits(
    study: GivenStudy = "renji-elo",
    *,
    truth: Truth | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Result:
    """Show what is attainable under the study's belief, what its designs attain of it, and what rules cost.

    Parameters
    ----------
    study : Study, str, Path, design or several
    truth : float array [scenarios, doses], or mapping of str to rates, optional
        In place of the scenarios that the study states; all as likely, if it states no belief.
    progress : callable, optional
        Told each step when its turn comes.

    Returns
    -------
    Result
        The Dataset of `limits_of`, which also returns the optimal policies as designs.

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified, limits
    >>> boin = Modified(BOIN(doses=2, target=0.25, cohort=3), (MaxPatients(n=6),))
    >>> found = limits(boin, truth=[[0.25, 0.5], [0.1, 0.25]])
    >>> bool(found.utility.sel(design="BOIN 6") < found.attainable.sel(design="BOIN 6"))
    True
    """
    from doseopt.attainable.attained import limits_of
    from doseopt.reports.sections.limits import limits_document

    return Result.of(limits_of(study_of(study, truth), progress).dataset, limits_document)


def calibrate(
    study: GivenStudy,
    design: str = "",
    *,
    free: Sequence[str] = (),
    objective: Objective | None = None,
    candidates: int = 300,
    seed: int = 1,
    executor: Executor | None = None,
    truth: Truth | None = None,
) -> Answer:
    """Tune a design's free parameters by exact operating characteristics under the study's belief.

    Parameters
    ----------
    study : Study, str, Path, design or several
    design : str
        Of the study; may be left out if it has one.
    free : sequence of str
        Parameters to tune; the usual ones if left out.
    objective : Objective, optional
        Average correct selection, without limits, if left out.
    candidates : int
        About how many are evaluated.
    seed : int
    executor : concurrent.futures.Executor, optional
        Evaluates candidates side by side; the result does not depend on it.
    truth : float array [scenarios, doses], or mapping of str to rates, optional
        In place of the scenarios that the study states.

    Returns
    -------
    Answer
        ``design``, the calibrated design (None if no candidate keeps the limits), and ``candidates``, the Dataset of
        all that were evaluated.

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified, calibrate
    >>> boin = Modified(BOIN(doses=2, target=0.25, cohort=3), (MaxPatients(n=6),))
    >>> found = calibrate(boin, candidates=8, truth=[[0.25, 0.5], [0.1, 0.25]])
    >>> type(found["design"]).__name__
    'Modified'
    """
    from doseopt.calibration import calibrate as run
    from doseopt.reports.sections.calibration import calibration_document

    known = study_of(study, truth)
    name = design or (next(iter(known.designs)) if len(known.designs) == 1 else "")
    found = run(known, name, free, objective, candidates, seed, executor)
    return Answer({"design": found.design, "candidates": found.dataset}, partial(calibration_document, [found.dataset]))


def record(
    study: GivenStudy,
    tables: str | Path,
    *,
    cutoff: Days = None,
    window: float | None = None,
    identifiers: bool = False,
    method: str = "quadrature",
    seed: int = 1,
) -> Answer:
    """Show adverse events, survival, liver function and improvement from the tables that a team keeps.

    Parameters
    ----------
    study : Study, str or Path
    tables : str or Path
        A folder with adsl.csv and adae.csv; "example", an invented one.
    cutoff : date or str, optional
        The last day that counts; the last in the data if left out.
    window : float, optional
        Days of the DLT window, for a study without a clock.
    identifiers : bool
        Whether the page shows identifiers and dates of subjects.
    method : {"quadrature", "nuts"}
        Of survival and improvement; ``nuts`` adds draws.
    seed : int
        Of NUTS.

    Returns
    -------
    Answer
        ``record`` (a `doseopt.records.record.Record`) and ``trial``, the tally in it; ``survival`` against the study's
        controls and ``improvement`` by dose, Datasets or None; and what figures show: ``courses`` of the subjects
        (`plot.swimmer`), ``curve`` of survival (`plot.survival`), ``liver`` scores in time (`plot.liver`), Datasets.

    Examples
    --------
    >>> from doseopt import record
    >>> found = record("renji-elo", "example")
    >>> found["trial"].tally()[0].sum().item() <= len(found["record"].subjects)
    True
    """
    from doseopt.conduct.endpoints import Endpoints
    from doseopt.conduct.in_hand import record_so_far
    from doseopt.conduct.posterior import check_choice
    from doseopt.conduct.survival import survival_curve
    from doseopt.records.liver import liver_courses
    from doseopt.records.outcomes import courses
    from doseopt.records.status import trial_of
    from doseopt.reports.sections.record import record_document

    check_choice([], method)
    known = study_of(study)
    read = record_so_far(known, tables, cutoff, window)
    ends = Endpoints.of(known, read, method, seed)
    found = {
        "record": read,
        "trial": trial_of(read),
        "survival": ends.survival,
        "improvement": ends.improvement,
        "courses": courses(read),
        "curve": survival_curve(read, known.historical),
        "liver": liver_courses(read),
    }
    return Answer(found, partial(record_document, known, read, identifiers, ends))
