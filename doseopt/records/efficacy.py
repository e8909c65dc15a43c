"""Signs of effect in a record: clinical improvement by dose, and antibodies against HLA, by visit."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.endpoints.proportions import Proportion
from doseopt.records.measurements import Measurement, day_of
from doseopt.records.record import Record
from doseopt.records.safety import ALL

CLASSES = {"DSA1": "class I", "DSA2": "class II"}


def improvement(record: Record, parameter: str = "IMPROVED", level: float = 0.95) -> xr.Dataset:
    """Return how many improved, of those assessed, at each visit and dose.

    Parameters
    ----------
    record : Record
    parameter : str
        PARAMCD: the definition of improvement is the team's.
    level : float
        Of the intervals.

    Returns
    -------
    Dataset
        Over `visit` and `dose`, the last of which is all together: `improved`, `assessed`, the exact limits `lower` and
        `upper`, and `mean`, `credible_lower`, `credible_upper` under a uniform prior; over `dose`: `treated`; over
        `visit`: `most_likely_best`, the posterior probability that the dose with the best share of those assessed,
        the lowest of equals, has the highest rate of the doses with anybody assessed.
    """
    levels = {subject.name: subject.level for subject in record.subjects}
    labels = list(record.doses.labels)
    chosen = [value for value in record.improvements if value.parameter == parameter.upper()]
    visits = _visits(chosen)
    counts = np.zeros((2, len(visits), len(labels)), np.int64)
    for (name, visit), improved in _answers(chosen).items():
        counts[:, visits.index(visit), levels[name]] += (improved, 1)
    y, n = np.concatenate([counts, counts.sum(axis=2, keepdims=True)], axis=2)
    treated = np.bincount(np.array(list(levels.values()), np.int64), minlength=len(labels))
    rate = Proportion(y, n)
    (lower, upper), (low, high) = rate.clopper_pearson(level), rate.credible(level)
    values = {"improved": y, "assessed": n, "lower": lower, "upper": upper, "mean": rate.mean()}
    values |= {"credible_lower": low, "credible_upper": high}
    return xr.Dataset(
        {
            **{name: (("visit", "dose"), value) for name, value in values.items()},
            "treated": ("dose", [*treated, treated.sum()]),
            "most_likely_best": ("visit", [_best(*each) for each in zip(*counts, strict=True)]),
        },
        {"visit": visits, "dose": [*labels, ALL]},
        {"level": level},
    )


def _best(y: np.ndarray, n: np.ndarray) -> float:
    """Return the probability that the dose with the best share has the highest rate; NaN of fewer than two doses."""
    seen = n > 0
    if seen.sum() < 2:
        return np.nan
    return float(Proportion(y[seen], n[seen]).highest()[np.argmax(y[seen] / n[seen])])


def antibodies(record: Record) -> xr.Dataset:
    """Return how many subjects have antibodies against HLA, by class and visit.

    Returns
    -------
    Dataset
        Over `hla` ("class I", "class II") and `visit`: `tested`, `positive`; `negative_before`, those tested who were
        negative in their last test up to the day of treatment; and `de_novo`, those of them who are positive later.
    """
    values = [value for value in record.measurements if value.parameter in CLASSES]
    visits = _visits(values)
    counts = {
        name: np.zeros((len(CLASSES), len(visits)), np.int64)
        for name in ("tested", "positive", "negative_before", "de_novo")
    }
    for k, code in enumerate(CLASSES):
        answers = _answers([value for value in values if value.parameter == code])
        before = _before(answers)
        for (name, visit), positive in answers.items():
            at = k, visits.index(visit)
            day = day_of(visit)
            clean = before.get(name) is False and day is not None and day > 0
            counts["tested"][at] += 1
            counts["positive"][at] += positive
            counts["negative_before"][at] += clean
            counts["de_novo"][at] += clean and positive
    return xr.Dataset(
        {name: (("hla", "visit"), count) for name, count in counts.items()},
        {"hla": list(CLASSES.values()), "visit": visits},
    )


def _visits(values: list[Measurement]) -> list[str]:
    """Return the visits, by their days; those without one last."""
    return sorted({value.visit for value in values}, key=lambda v: (day_of(v) is None, day_of(v) or 0.0, v))


def _answers(values: list[Measurement]) -> dict[tuple[str, str], bool]:
    """Return the answer of each subject at each visit, yes if any of several is."""
    found: dict[tuple[str, str], bool] = {}
    for value in values:
        key = value.subject, value.visit
        found[key] = found.get(key, False) or value.value == 1
    return found


def _before(answers: dict[tuple[str, str], bool]) -> dict[str, bool]:
    """Return the answer of each subject in the last visit up to day 0."""
    days = {key: day for key in answers if (day := day_of(key[1])) is not None and day <= 0}
    return {name: answers[name, visit] for name, visit in sorted(days, key=lambda key: days[key])}
