"""The recommendation under stated criteria, in one sentence; without criteria the gap, and what is not dominated."""

from __future__ import annotations

import numpy as np

from doseopt.amendment.criteria import broken, is_probability
from doseopt.amendment.dossier import Dossier
from doseopt.amendment.recommend import Recommendation
from doseopt.display.labels import listed
from doseopt.display.numbers import decimal, percent
from doseopt.display.outlook import STUDY_MODEL
from doseopt.measures.operating_characteristics import METRICS
from doseopt.reports.render.document import Gap, Paragraph
from doseopt.reports.sections.words import so_far
from doseopt.study.criteria import Criteria
from doseopt.study.definitions import MAIN

WEIGHED = {"correct_selection": 1, "overdose_selection": -1, "further_patients": -1}
"""By what designs are on the frontier: large is good, or small."""


def recommended(dossier: Dossier) -> Paragraph | Gap:
    """Return the recommendation by the study's criteria; a gap with the frontier where it states none."""
    found = dossier.recommendation
    if found is None:
        return Gap(
            "criteria of a recommendation ([amendment] criteria). Without them none is made; no other is as good in "
            f"correct selection, overdose and patients, and better in one, as {listed(_frontier(dossier), 'or')}."
        )
    return Paragraph(recommendation_sentence(found, so_far(dossier)), strong=True)


def recommendation_sentence(found: Recommendation, when: str) -> str:
    """Return the sentence that names every criterion, the design, the runner-up, and which designs are out of bounds.

    Parameters
    ----------
    found : Recommendation
    when : str
        Such as "before the first patient".
    """
    among, ranked = list(found.values), found.ranked
    stated = f"under the criteria stated ({_criteria(found.criteria)}; averaged over {STUDY_MODEL} {when})"
    out = [_one(found, name, outside=True) for name in among if name not in ranked]
    outside = f" Out of the bounds: {listed(out)}." if out else ""
    if not ranked:
        return f"U{stated[1:]} no design can be recommended, of {listed(among)}.{outside}"
    second = f"; the runner-up is {_one(found, ranked[1])}" if len(ranked) > 1 else "; no other design meets them"
    return f"{_one(found, ranked[0])} is recommended {stated}{second}.{outside}"


def _criteria(criteria: Criteria) -> str:
    """Say every criterion."""
    parts = [f"{_words(criteria.maximise)} as large as possible"]
    for name, bound in criteria.bounds.items():
        most = "at most" if METRICS[name].better < 0 else "at least"
        parts.append(f"{_words(name)} {most} {percent(bound) if is_probability(METRICS[name]) else f'{bound:g}'}")
    named = "the main definition" if criteria.definition == MAIN else f'the definition "{criteria.definition}"'
    return f"{', '.join(parts)}, by {named} of the true MTD"


def _words(name: str) -> str:
    return METRICS[name].long_name.removeprefix("probability of ")


def _number(name: str, value: float) -> str:
    return percent(value) if is_probability(METRICS[name]) else decimal(value)


def _one(found: Recommendation, design: str, *, outside: bool = False) -> str:
    """Name a design with the measures of the criteria, or with the one maximised and those that are out of bounds."""
    values = found.values[design]
    shown = [found.criteria.maximise, *broken(found.criteria, values)] if outside else values
    each = [f"{_words(name)} {_number(name, values[name])}" for name in dict.fromkeys(shown)]
    return f"{design} ({', '.join(each)})"


def _frontier(dossier: Dossier) -> list[str]:
    """Return the designs that no other is at least as good as in everything, and better in something."""
    mean = dossier.amendment["average"].to_dataset().sel(belief=STUDY_MODEL)
    each = [sign * mean[name].sel(design=dossier.designs).to_numpy() for name, sign in WEIGHED.items()]
    value = np.column_stack(each).round(6)
    beaten = [any((other >= own).all() and (other > own).any() for other in value) for own in value]
    return [name for name, out in zip(dossier.designs, beaten, strict=True) if not out]
