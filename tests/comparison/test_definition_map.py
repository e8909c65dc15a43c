"""The map of definitions: cells of an independent review, and what its axes are."""

import dataclasses

import numpy as np
import pytest
import tomli_w
from comparison.test_backfilled import RESPONDS

from doseopt import Definition, ExactWherePossible, MTDRule, Simulate, compare, load_study
from doseopt.comparison.definition_map import at_target, definition_map, targets_of
from doseopt.core.parameters import Faults
from doseopt.reports.render.document import Paragraph
from doseopt.reports.sections.definition_map import definition_map_document
from doseopt.study.file import parse_study

NAMES = ("ATD+3+3 cap 10", "CRM 10", "CRM 13", "BOIN 10")


def explained(found):
    return " ".join(block.text for block in definition_map_document(found).blocks if isinstance(block, Paragraph))


@pytest.fixture(scope="module")
def study():
    loaded = load_study("renji-elo-first")
    designs = {name: loaded.designs[name] for name in NAMES}
    return dataclasses.replace(loaded, designs=designs, proposal=None, definition=Definition(6, "1/6"))


@pytest.fixture(scope="module")
def found(study):
    return definition_map(study)


def test_without_a_simulated_design_there_is_no_error(found):
    assert "correct_mcse" not in found
    assert "Simulated" not in explained(found)


@pytest.mark.parametrize(
    ("definition", "target", "naming", "share", "measure", "wanted"),
    [
        ("closest", 0.25, "any", 0.0, "correct", (48.5, 53.5, 61.0, 52.7)),
        ("closest", 0.25, "any", 0.1, "correct", (32.4, 38.6, 44.3, None)),
        ("closest", 0.25, "any", 0.2, "correct", (21.9, 27.9, 29.4, None)),
        ("closest", 0.25, "definition", 0.0, "correct", (19.2, 14.6, None, 15.6)),
        ("highest_below", 0.25, "any", 0.0, "correct", (45.1, 33.7, 38.5, 36.7)),
        ("highest_below", 1 / 6, "any", 0.0, "correct", (45.1, 43.9, 46.3, 46.8)),
        ("closest", 0.25, "any", 0.0, "overdose", (12.8, 20.2, 18.0, 16.0)),
    ],
)
def test_cells_of_the_review(found, definition, target, naming, share, measure, wanted):
    at = found[measure].sel(definition=definition, target=target, naming=naming, false_dlts=share)
    known = [d for d, value in enumerate(wanted) if value is not None]
    np.testing.assert_allclose(100 * at.to_numpy()[known], [wanted[d] for d in known], rtol=0, atol=0.0501)


def test_an_interval_by_the_comparison_of_a_study_that_has_it(study, found):
    other = dataclasses.replace(study, mtd=MTDRule(0.25, "interval"))
    wanted = compare(other, posteriors=False)["correct_by_naming"].sel(naming="any").mean("scenario")
    at = found["correct"].sel(definition="interval", target=0.25, naming="any", false_dlts=0)
    np.testing.assert_allclose(at, wanted, rtol=0, atol=1e-12)


def test_patients_below_the_mtd_by_the_comparison(study, found):
    """Mean over the scenarios with a right dose; a false DLT is a DLT to the design, and right stays what it was."""
    wanted = compare(study, posteriors=False)["patients_below_mtd"].mean("scenario")
    at = found["below"].sel(definition="closest", target=0.25, naming="any")
    np.testing.assert_allclose(at.sel(false_dlts=0), wanted, rtol=0, atol=1e-12)
    assert (at.sel(false_dlts=0.2) > at.sel(false_dlts=0)).all()  # they are taken for too toxic, and stay low


def test_those_within_half_a_point_are_level(found):
    correct, ahead = found["correct"], found["ahead"]
    assert ahead.any("design").all()
    assert (correct.where(ahead).min("design") >= correct.max("design") - 0.005 - 1e-9).all()
    assert (correct.where(~ahead).max("design").fillna(0) < correct.max("design") - 0.005 + 1e-9).all()


def test_which_designs_follow_the_target(found):
    assert found["retargeted"].any("target").values.tolist() == [False, True, True, True]
    assert not found["retargeted"].sel(target=0.25).any()


def test_a_target_that_a_design_cannot_have_is_left_out_and_named():
    study = load_study("renji-elo-first")
    wide = study.to_dict()["designs"]["CRM 10"] | {"skeleton": {"prior_mtd": 3, "halfwidth": 0.18}}
    document = study.to_dict() | {"designs": {"wide": wide, "BOIN": study.to_dict()["designs"]["BOIN 10"]}}
    del document["amendment"]
    found = definition_map(parse_study(tomli_w.dumps(document)))
    assert found["target"].values.tolist() == [0.20, 0.25, 0.30, 1 / 3]
    assert found.attrs["not_computed"].startswith("target 0.167: designs.wide.skeleton")


def test_a_design_that_is_simulated_is_named_with_its_error():
    """At most the mean of sqrt(p (1 - p) / trials) over the scenarios, where a design is right with probability p."""
    told, study = [], parse_study(RESPONDS)
    found = definition_map(study, ExactWherePossible(simulate=Simulate(50, seed=2)), told.append)
    assert told[:2] == ["0.167: BOIN, 0% false DLTs", "0.167: BOIN, 10% false DLTs"]
    assert len(told) == found["correct"].sel(definition="closest", naming="any").size
    assert (found["correct_mcse"].sel(design="BOIN") == 0).all()
    assert 0 < found["correct_mcse"].sel(design="BF").max() <= 0.5 / np.sqrt(50) + 1e-12
    most = f"{100 * found['correct_mcse'].max():.1f} points"
    assert f"Simulated: BF (standard error of correct selection at most {most})." in explained(found)


def test_targets():
    np.testing.assert_allclose(targets_of(0.2), [0.15, 1 / 6, 0.2, 0.25, 0.3])
    assert targets_of(0.05) == [0.05, 0.10, 0.15]
    assert targets_of(0.5) == [1 / 3, 0.40, 0.5]


def test_a_definition_moves_with_the_target():
    assert at_target(MTDRule(0.25, none_above=0.40), 0.20).none_threshold == pytest.approx(0.35)
    assert at_target(MTDRule(0.25, "interval", low=0.16, high=0.33), 0.30).interval == pytest.approx((0.21, 0.38))


def test_one_design_has_no_ranking(study):
    with pytest.raises(Faults, match="designs: wanted at least two, got 1"):
        definition_map(dataclasses.replace(study, designs={"BOIN 10": study.designs["BOIN 10"]}))
