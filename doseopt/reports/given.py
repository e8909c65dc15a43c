"""Studies and trials as a Python prompt gives them: objects, names, paths, outcomes; designs without a file."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from doseopt.conduct.in_hand import is_record, read_trial
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults, are_numbers
from doseopt.core.text import counted
from doseopt.designs.layers import layers
from doseopt.records.template import bundled
from doseopt.records.trial import Trial
from doseopt.scenarios import MTDRule
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.specs import FixedScenario
from doseopt.study.file import load_study
from doseopt.study.study import Study

type Designs = Design | Mapping[str, Design] | Sequence[Design]
"""Designs by name; or one or several, which get names from their rules."""
type GivenStudy = Study | str | Path | Designs
"""A study; its file or the name of a bundled one; or designs alone, on doses 1, 2, ... and at their common target."""
type GivenTrial = Trial | str | Path | None
"""A trial so far: outcomes as "1N 2NNT", a file or folder with the patients, or nobody yet."""
type Truth = npt.ArrayLike | Mapping[str, Sequence[float]]
"""True DLT rates: of one scenario, of several, or of several by name."""
WANTED = "a study, its file, the name of a bundled study, or designs"


def study_of(given: GivenStudy, truth: Truth | None = None) -> Study:
    """Return a study from what was given.

    Parameters
    ----------
    given : Study, str, Path, design or several
    truth : float array [scenarios, doses], or mapping of str to rates, optional
        True DLT rates, in place of those that a study states.

    Raises
    ------
    Faults
        If it is none of these, or designs differ in their number of doses or their target.

    Examples
    --------
    >>> from doseopt import BOIN
    >>> study = study_of(BOIN(doses=3, target=0.25), truth=[0.05, 0.25, 0.45])
    >>> list(study.designs), study.scenarios["p_dlt"].to_numpy().tolist()
    (['BOIN'], [[0.05, 0.25, 0.45]])
    """
    study = _study(given)
    if truth is None:
        return study
    named, doses = _named(truth), len(study.doses.as_planned.labels)
    wanted = f"wanted {counted(doses, 'true DLT rate')} from 0 to 1, one a dose"
    wrong = [Fault(f"truth {n!r}", f"{wanted}, got {list(p)}") for n, p in named.items() if not _are_rates(p, doses)]
    if wrong:
        raise Faults(wrong, study.name)
    return replace(study, scenario_specs={name: FixedScenario(p) for name, p in named.items()})


def _study(given: GivenStudy) -> Study:
    """Return the study, with the scenarios that it states."""
    if isinstance(given, Study):
        return given
    if isinstance(given, str | Path):
        return load_study(given)
    designs = _designs(given)
    facts = [design.facts for design in designs.values()]
    found: dict[str, list[float]] = {
        "doses": sorted({each.doses for each in facts}),
        "target": sorted({each.target for each in facts}),
    }
    differ = [Fault(name, f"wanted one for all designs, got {each}") for name, each in found.items() if len(each) > 1]
    if differ:
        raise Faults(differ, "designs")
    doses, target = facts[0].doses, facts[0].target
    labels = Doses(tuple(str(level) for level in range(1, doses + 1)))
    return Study(", ".join(designs), target, MTDRule(target), labels, {}, designs, name="designs")


def _designs(given: Any) -> dict[str, Design]:
    """Return designs by name; those without one have that of their rule, numbered where several are alike."""
    if isinstance(given, Mapping):
        named = {str(name): design for name, design in given.items()}
    else:
        listed = list(given) if isinstance(given, Sequence) else [given]
        named = {}
        for design in listed:
            word = _name(design) if _is_design(design) else repr(design)
            same = sum(name == word or name.startswith(f"{word} (") for name in named)
            named[f"{word} ({same + 1})" if same else word] = design
    wrong = [Fault(name, f"wanted a design, got {each!r}") for name, each in named.items() if not _is_design(each)]
    if wrong or not named:
        raise Faults(wrong or [Fault("study", f"wanted {WANTED}, got {given!r}")])
    return named


def _is_design(given: Any) -> bool:
    return all(hasattr(given, verb) for verb in ("facts", "first", "decide", "select"))


def _name(design: Design) -> str:
    """Return the name of a design's rule, and its cap if it has one: "CRM 24"."""
    cap = design.facts.cap
    rule = type(layers(design).rule).__name__
    return rule if cap is None else f"{rule} {cap}"


def _named(truth: Truth) -> dict[str, tuple[float, ...]]:
    """Return true DLT rates by the name of the scenario."""
    if isinstance(truth, Mapping):
        return {str(name): tuple(np.asarray(p).tolist()) for name, p in truth.items()}
    try:
        rows = np.atleast_2d(np.asarray(truth, float))
    except (TypeError, ValueError):
        rows = np.zeros((0, 0, 0))
    if rows.ndim != 2 or not rows.size:
        raise Faults([Fault("truth", f"wanted true DLT rates, one a dose, or a row of them a scenario, got {truth!r}")])
    return {f"S{k}": tuple(row) for k, row in enumerate(rows.tolist(), 1)}


def _are_rates(given: tuple[float, ...], doses: int) -> bool:
    return len(given) == doses and are_numbers(given) and all(0 <= p <= 1 for p in given)


def trial_of(
    study: Study, given: GivenTrial, cutoff: datetime.date | str | None = None, window: float | None = None
) -> Trial:
    """Return a trial so far from what was given: outcomes, a table of patients, a folder with a record, or none.

    Parameters
    ----------
    study : Study
    given : Trial, str, Path or None
        A text is a path if it ends in .csv or names something that is there, else outcomes.
    cutoff : date or str, optional
        Of data with dates.
    window : float, optional
        Days of the DLT window, for a study without a clock.

    Examples
    --------
    >>> from doseopt import load_study
    >>> trial_of(load_study("renji-elo"), "1N 2NNT").tally()
    (array([1, 3, 0, 0]), array([0, 1, 0, 0]))
    """
    if given is None:
        return Trial(study.doses)
    if isinstance(given, Trial):
        return given
    if not isinstance(given, str | Path):
        raise Faults([Fault("trial", f'wanted outcomes as "1N 2NNT", the path of a file, or a Trial, got {given!r}')])
    if isinstance(given, str) and not _is_path(given):
        return read_trial(study, given, None, cutoff, window)
    return read_trial(study, "", given, cutoff, window)


def data_of(given: GivenTrial) -> Path | None:
    """Return the file or folder that a trial was given as, None if it was given as something else."""
    if isinstance(given, Path) or (isinstance(given, str) and _is_path(given)):
        return bundled(Path(given))
    return None


def _is_path(text: str) -> bool:
    """Tell whether a text is a path, not outcomes."""
    return bool(text.strip()) and (text.endswith((".csv", ".tsv", ".txt")) or Path(text).is_file() or is_record(text))
