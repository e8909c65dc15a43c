"""Criteria of a recommendation held to the measures that there are: what is wrong with them, and who meets them."""

from __future__ import annotations

from collections.abc import Mapping

from doseopt.core.parameters import Fault, nearest
from doseopt.measures.metric import Metric
from doseopt.measures.operating_characteristics import METRICS
from doseopt.study.criteria import Criteria

WHERE = "amendment.criteria"


def criteria_faults(criteria: Criteria | None) -> list[Fault]:
    """Say which criteria are on what is no measure, or no single number, each with its path in the study file."""
    if criteria is None:
        return []
    known = [name for name, each in METRICS.items() if each.better and not each.along]
    named = {f"{WHERE}.maximise": criteria.maximise} | {f"{WHERE}.{name}": name for name in criteria.bounds}
    faults = [
        Fault(where, f"no measure {name!r} to compare designs by{nearest(name, known)}")
        for where, name in named.items()
        if name not in known
    ]
    if criteria.maximise in known and METRICS[criteria.maximise].better < 0:
        wanted = f"wanted a measure that is better where it is large, got {criteria.maximise!r}: bound it instead"
        faults.append(Fault(f"{WHERE}.maximise", wanted))
    return faults + [
        Fault(f"{WHERE}.{name}", f"wanted a number in [0, 1], got {bound:g}")
        for name, bound in criteria.bounds.items()
        if name in known and is_probability(METRICS[name]) and not 0 <= bound <= 1
    ]


def limits_of(criteria: Criteria | None) -> tuple[tuple[str, float], ...]:
    """Return the bounds on what is better where it is small."""
    bounds = {} if criteria is None else criteria.bounds
    return tuple((name, bound) for name, bound in bounds.items() if METRICS[name].better < 0)


def is_probability(metric: Metric) -> bool:
    """Tell whether a measure is a probability or a proportion, and no index."""
    return metric.units == "1" and "index" not in metric.long_name


def broken(criteria: Criteria, values: Mapping[str, float]) -> list[str]:
    """Return the measures that are not within their bounds; one that is not known is not."""
    return [name for name, bound in criteria.bounds.items() if not METRICS[name].better * (values[name] - bound) >= 0]
