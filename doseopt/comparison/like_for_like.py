"""Designs like for like: compared under one naming rule, which says when a dose may be named the MTD at all.

A naming rule changes the selection of a design and nothing before it, so the endings are those of the design.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.definitions import errors_of, judge_selections, labelled
from doseopt.comparison.evaluate import Engine, outcomes_of
from doseopt.core.definition import Definition
from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.designs.layers import layers, with_names, with_rule
from doseopt.measures.declared import FEW
from doseopt.measures.endings import Endings
from doseopt.study.study import Study

type Named = tuple[FloatArray, FloatArray, FloatArray]
"""Means of events, their covariance, and patients."""

AS_READ, ANY, BY_DEFINITION = "as read", "any", "definition"
"""Naming rules: each design's own; any dose selected is named; on the evidence of the registered definition."""


def naming_rules(definition: Definition | None) -> dict[str, Definition | None]:
    """Return the naming rules that all designs are laid under, and what each demands of the dose selected."""
    rules: dict[str, Definition | None] = {AS_READ: None, ANY: None}
    if definition is not None:
        rules |= {f"at least {definition.patients}": Definition(definition.patients), BY_DEFINITION: definition}
    return rules


def naming_any(design: Design) -> Design:
    """Return a design that names the dose it selects, also where it would withhold one at the cap."""
    free = with_names(design, None)
    parts = layers(free)
    if parts.selector is not None or getattr(parts.rule, "mtd_at_cap", "not_excluded") == "not_excluded":
        return free
    return with_rule(free, lambda rule: dataclasses.replace(rule, mtd_at_cap="not_excluded"))


def named_endings(
    study: Study, engine: Engine, name: str, design: Design, scenarios: xr.Dataset
) -> Iterator[tuple[str, Endings]]:
    """Yield naming rule and endings of a design under it, each for a few scenarios at a time.

    Parameters
    ----------
    study : Study
    engine : Exact or Simulate
    name : str
        Of the design.
    design : Design
    scenarios : Dataset
    """
    own, free, bold = layers(design).names, with_names(design, None), naming_any(design)
    for outcomes in outcomes_of(study, engine, name, free, scenarios):
        endings = Endings.of(outcomes)
        yield AS_READ, endings if own is None else endings.named_on(own)
        if bold == free:
            yield ANY, endings
        for rule, demanded in naming_rules(study.definition).items():
            if demanded is not None:
                yield rule, endings.named_on(demanded)
    if bold != free:
        yield from ((ANY, Endings.of(outcomes)) for outcomes in outcomes_of(study, engine, name, bold, scenarios))


def named(study: Study, engine: Engine, name: str, design: Design, scenarios: xr.Dataset) -> dict[str, Named]:
    """Return by naming rule the probability that none and that each dose is selected, and one on few, [R, 2 + D].

    With their Monte Carlo covariance, and the expected patients at each dose, [R, D], which depend on no naming.
    """
    found: dict[str, list[Named]] = {rule: [] for rule in naming_rules(study.definition)}
    for rule, endings in named_endings(study, engine, name, design, scenarios):
        n, _, declared = endings.declared
        events = np.concatenate([endings.chosen, (declared & (n <= FEW))[..., None]], axis=-1)
        mean = endings.mean(events)
        found[rule].append((mean, endings.covariance(events, mean), endings.mean(endings.n)))
    joined: dict[str, Named] = {}
    for rule, parts in found.items():
        mean, spread, patients = (np.concatenate(each) for each in zip(*parts, strict=True))
        joined[rule] = mean, spread, patients
    return joined


def like_for_like(study: Study, engine: Engine, result: xr.Dataset) -> dict[str, Any]:
    """Return what the designs attain under one naming rule each.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    result : Dataset
        The operating characteristics of the study's designs.

    Returns
    -------
    dict
        Variables `correct_by_naming`, `overdose_by_naming`, `few_by_naming` and their `<name>_mcse` (naming, design,
        scenario), the last the probability that a dose is declared on few patients there; coordinates `naming`
        and `naming_rule`.
    """
    rules = naming_rules(study.definition)
    each = [named(study, engine, name, design, study.scenarios) for name, design in study.designs.items()]
    means, spread = (np.array([[found[rule][k] for found in each] for rule in rules]) for k in (0, 1))
    few = means[..., -1], np.sqrt(np.clip(spread[..., -1, -1], 0, None))
    values, errors = (
        judge_selections(means[..., :-1], result, study.mtd),
        errors_of(spread[..., :-1, :-1], result, study.mtd),
    )
    both = {name: (value, errors[name]) for name, value in values.items()} | {"few": few}
    found = labelled(both, ("naming", "design", "scenario"), "naming")
    return {**found, "naming": list(rules), "naming_rule": ("naming", [_describe(*rule) for rule in rules.items()])}


def _describe(rule: str, demanded: Definition | None) -> str:
    """Say a naming rule in words."""
    if demanded is not None:
        return f"{demanded.describe()}; none is named otherwise"
    own = "each design names a dose when its own rules do"
    return (
        own if rule == AS_READ else "all name the dose that they select, also one that their rules withhold at the cap"
    )
