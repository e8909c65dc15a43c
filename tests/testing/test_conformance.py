"""Every registered part passes the public checks; a part need not be named here to be checked."""

import pytest

import doseopt
from doseopt.models.choice import FIELDS, PosteriorModel
from doseopt.testing import check_design, check_metric, check_model, check_modifier

EXAMPLES = {kind: doseopt.DESIGNS[kind].example() for kind in ("crm", "boin", "three_plus_three")}
BASES = {kind: getattr(design, "base", design) for kind, design in EXAMPLES.items()}
PAIRS = [(m, b) for m in doseopt.MODIFIERS for b in BASES if doseopt.MODIFIERS[m].example().clash(BASES[b]) is None]


@pytest.mark.parametrize("kind", doseopt.DESIGNS)
def test_every_registered_design_keeps_its_promises(kind: str) -> None:
    graph = check_design(doseopt.DESIGNS[kind].example())
    assert graph.counts()["endings"] > 0


@pytest.mark.parametrize("kind", doseopt.DESIGNS)
def test_every_registered_design_says_what_it_is(kind: str) -> None:
    design = doseopt.DESIGNS[kind]
    assert "Names:" in (design.__doc__ or ""), "the published aliases"
    assert "References" in (design.__doc__ or "")
    assert all(row.rule and row.reading for row in design.example().describe())


@pytest.mark.parametrize(("kind", "base"), PAIRS)
def test_every_registered_modifier_keeps_its_promises(kind: str, base: str) -> None:
    check_modifier(doseopt.MODIFIERS[kind].example(), BASES[base])


def test_every_registered_modifier_is_checked() -> None:
    assert {kind for kind, _ in PAIRS} == set(doseopt.MODIFIERS)


@pytest.mark.parametrize("name", doseopt.METRICS)
def test_every_registered_measure_keeps_its_promises(name: str) -> None:
    check_metric(doseopt.METRICS[name])


@pytest.mark.parametrize("kind", FIELDS)
def test_every_model_of_a_study_file_keeps_its_promises(kind: str) -> None:
    check_model(PosteriorModel(model=kind).curve((0.15e9, 0.5e9, 1.5e9, 4.5e9), "cells", 4, 0.25))
