"""Python's verbs: what the commands do, for notebooks and scripts; first a study, then a trial, then what is asked."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd  # type: ignore[import-untyped]  # ships no types
import xarray as xr

from doseopt.comparison.evaluate import Engine
from doseopt.core.parameters import Fault, Faults
from doseopt.reports.given import GivenStudy, GivenTrial, Truth, study_of, trial_of
from doseopt.reports.result import Answer, Result

type Days = datetime.date | str | None
"""A date, as 2024-06-30."""


def compare(
    study: GivenStudy = "renji-elo",
    engine: Engine | None = None,
    progress: Callable[[str], object] = lambda _: None,
    posteriors: bool | None = None,
    *,
    truth: Truth | None = None,
) -> Result:
    """Compare designs on shared scenarios: the exact operating characteristics of each.

    Parameters
    ----------
    study : Study, str, Path, design or several
        A study, its file, the name of a bundled one, or designs without one.
    engine : Exact, Simulate or ExactWherePossible, optional
        Exact by default, and simulated where the graph of a design is too large.
    progress : callable, optional
        Told the name of each design when its turn comes.
    posteriors : bool, optional
        Whether to say what is known of the DLT rates after each design; by default if the study has a `[posterior]`.
    truth : float array [scenarios, doses], or mapping of str to rates, optional
        True DLT rates, in place of those that the study states. Without a study file right is the dose whose rate is
        closest to the target, and no dose if the lowest rate is above the target by more than 0.10 (`MTDRule`).

    Returns
    -------
    Result
        A Dataset (design, scenario, dose): every measure of `METRICS`, with `<name>_mcse` where it is simulated, and
        what `doseopt.comparison.compare` lists.

    Raises
    ------
    Faults
        If the study cannot be read, or states no truth and none is given.
    TooManyStates
        If every design is too large.

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified, compare
    >>> boin = Modified(BOIN(doses=3, target=0.25, cohort=3), (MaxPatients(n=12),))
    >>> found = compare({"BOIN": boin}, truth=[0.05, 0.25, 0.50])
    >>> round(found.selection.sel(design="BOIN", scenario="S1").sum().item() + found.no_selection.item(), 12)
    1.0
    """
    from doseopt.comparison.compare import compare as run
    from doseopt.display.simulated import without_errors
    from doseopt.reports.sections.overview import overview_document

    found = run(study_of(study, truth), engine, progress, posteriors)
    return Result.of(without_errors(found), lambda _: overview_document(found))


def summary(comparison: xr.Dataset) -> pd.DataFrame:
    """Return a comparison as a tidy table, a row a number: design, scenario, dose, measure, value, its error, units.

    Parameters
    ----------
    comparison : Dataset
        Of `compare`.

    Returns
    -------
    DataFrame
        Of pandas; other libraries read it by the dataframe interface, as `polars.from_dataframe`. `mcse` is nan where a
        number is exact.

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified, compare, summary
    >>> found = compare(Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),)), truth=[0.1, 0.3])
    >>> summary(found).query("measure == 'no_selection'")["scenario"].tolist()
    ['S1']
    """
    from doseopt.reports.frames import tidy

    if not isinstance(comparison, xr.Dataset) or "design" not in comparison.coords:
        raise Faults([Fault("summary", f"wanted a comparison, as compare returns it, got {type(comparison).__name__}")])
    frame = tidy(comparison)
    return frame.assign(mcse=frame["mcse"].where(frame["mcse"] > 0))


def next_dose(
    study: GivenStudy,
    trial: GivenTrial = None,
    *,
    design: str | Sequence[str] = (),
    cutoff: Days = None,
    window: float | None = None,
) -> Answer:
    """Say what each design does now: next dose and cohort, or stop and why.

    Parameters
    ----------
    study : Study, str, Path, design or several
    trial : Trial, str or Path, optional
        Outcomes as "1N 2NNT", each group a cohort, or a file with the patients; before the first patient if left out.
    design : str or sequence of str
        Names of designs of the study; all if left out.
    cutoff : date or str, optional
        To which the data are known, where they have dates.
    window : float, optional
        Days of the DLT window, for a study without a clock.

    Returns
    -------
    Answer
        By name: ``designs``, of each its ``action`` (treat, wait, stop), ``level``, ``dose``, ``size``, ``stop``,
        ``mtd``; ``prior``, ``warnings``, ``pending`` and more, as `doseopt next --json` has it.

    Examples
    --------
    >>> from doseopt import BOIN, next_dose
    >>> one = next_dose(BOIN(doses=5, target=0.3), "1NNN 2NNT")["designs"]["BOIN"]
    >>> one["action"], one["level"], one["size"]
    ('treat', 2, 3)
    """
    from doseopt.conduct.next_dose import next_dose as run
    from doseopt.reports.sections.next_dose import next_document

    known = study_of(study)
    names = [design] if isinstance(design, str) else list(design)
    found = run(known, trial_of(known, trial, cutoff, window), designs=[name for name in names if name])
    return Answer(found, partial(next_document, found))


def table(study: GivenStudy, design: str = "", *, patients: int | None = None) -> Result:
    """Return the decision table of a design that looks at one dose: y DLTs in n patients, and what is next.

    Parameters
    ----------
    study : Study, str, Path, design or several
    design : str
        Of the study; the first that has a table if left out.
    patients : int, optional
        Most patients at one dose; the design's cap if left out.

    Returns
    -------
    Result
        A Dataset: `decision` (n, y), and the boundaries by n; of a design that decides on pending patients a row for
        each n, y and number of pending patients, with the follow-up needed.

    Examples
    --------
    >>> from doseopt import BOIN, table
    >>> table(BOIN(doses=4, target=0.25), patients=6).decision.sel(n=3, y=0).item()
    'E'
    """
    from doseopt.conduct.decision_table import chosen, decision_table, weighs_efficacy
    from doseopt.conduct.pending_table import pending_table
    from doseopt.conduct.scores_table import scores_table
    from doseopt.reports.sections.decision_table import decision_table_document
    from doseopt.reports.sections.pending_table import pending_table_document
    from doseopt.reports.sections.scores_table import scores_table_document

    known = study_of(study)
    one = known.designs[chosen(known, design)]
    if one.facts.pending:
        return Result.of(pending_table(known, design, patients), pending_table_document)
    if weighs_efficacy(one):
        return Result.of(scores_table(known, design, patients), scores_table_document)
    return Result.of(decision_table(known, design, patients), decision_table_document)


def posterior(
    study: GivenStudy,
    trial: GivenTrial = None,
    *,
    model: str | None = None,
    method: str = "quadrature",
    seed: int = 1,
    cutoff: Days = None,
    window: float | None = None,
) -> xr.DataTree:
    """Return the posterior of the DLT rates as ArviZ takes it, whichever way it is computed.

    Parameters
    ----------
    study : Study, str, Path, design or several
    trial : Trial, str or Path, optional
        So far.
    model : str, optional
        A kind of model, as `[posterior]` names them; the study's choice if left out.
    method : {"quadrature", "nuts"}
        Independent draws from a posterior by quadrature, in one chain, or chains of NUTS.
    seed : int
        Equal seeds give equal draws.
    cutoff : date or str, optional
    window : float, optional
        Days, as in `next_dose`.

    Returns
    -------
    xarray.DataTree
        `posterior` (chain, draw, dose) with the parameters and `p_dlt`; `prior`, `posterior_predictive`,
        `prior_predictive`, `predictions` of the next cohort, `log_likelihood`, `log_prior`, `observed_data`,
        `constant_data`; of NUTS also `sample_stats`. `summary` and `density`: what `doseopt posterior` shows, by
        quadrature exact and not from the draws. Attributes: `independent_draws` is 1 for draws that need no diagnostics
        of chains; `log_marginal_likelihood`, `seed`, `sampler`, `version`, and the study's provenance.

    Raises
    ------
    Faults
        If there is no such model or method, or the model does not suit the study.

    Examples
    --------
    >>> from doseopt import posterior
    >>> posterior("renji-elo", "1N 2NNT", model="beta")["summary"]["mean"].to_numpy().round(3).tolist()  # (1+y)/(2+n)
    [0.333, 0.4, 0.5, 0.5]
    """
    from doseopt.conduct.posterior import analyse, check_choice

    check_choice([model] if model else [], method)
    known = study_of(study)
    return analyse(known, trial_of(known, trial, cutoff, window), model, method, seed).tree
