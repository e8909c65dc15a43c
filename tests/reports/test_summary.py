"""The words of the first page from numbers written by hand: when a design is worse, and what cannot be declared."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from small_study import SMALL

from doseopt.amendment.dossier import Dossier, proposed
from doseopt.comparison.compare import compare
from doseopt.core.cohort import parse_outcomes
from doseopt.display.outlook import STUDY_MODEL
from doseopt.records.trial import Trial
from doseopt.reports.render.document import Bullets, Figure, Table
from doseopt.reports.sections.holds import _definitions, _over_beliefs
from doseopt.reports.sections.summary import summary
from doseopt.study.file import parse_study

SCENARIOS = ["safe", "middle", "too toxic", "steep", "flat"]
DESIGNS = ["ATD 6", "BOIN 9"]
BELIEFS = [STUDY_MODEL, "prior sd doubled", "model empiric"]
NO_PRICE = "In no scenario does a proposed design select correctly less often than the registered one."


@pytest.fixture(scope="module")
def study():
    return parse_study(SMALL, "small.toml")


@pytest.fixture(scope="module")
def comparison(study):
    return compare(study)


@pytest.fixture
def tell(study, comparison, monkeypatch):
    """Return what the summary says, given correct selection by scenario and by belief and the chance of each dose."""
    monkeypatch.setattr(Figure, "of", lambda *_: None)  # words only: drawing takes a second

    def told(by_scenario=(0, 0, 0), by_belief=(0, 0, 0), selection=None, going=(2, 1), wait=0, none=0.1, **average):
        now = xr.Dataset(
            {
                "correct_selection": (("design", "scenario"), 0.5 + np.array([(0,) * len(by_scenario), by_scenario])),
                "no_selection": (("design", "scenario"), np.tile(none * np.arange(1, 1 + len(by_scenario)), (2, 1))),
                "selection": (("design", "scenario", "dose"), np.full((2, len(by_scenario), 3), 0.1)),
                "p_dlt": (("scenario", "dose"), np.resize(comparison["p_dlt"].to_numpy(), (len(by_scenario), 3))),
            },
            coords={"design": DESIGNS, "scenario": SCENARIOS[: len(by_scenario)]},
        )
        if selection is not None:
            now["selection"][0] = selection
        dims = ("design", "belief")
        values = {
            "correct_selection": (0.4 + np.array([(0, 0, 0), by_belief])).tolist(),
            "no_selection": [[0.25] * 3, [0.0625] * 3],
            "overdose_selection": [[0.125] * 3, [0.375] * 3],
            "further_patients": [[2.0] * 3, [5.0] * 3],
            "further_dlts": [[1.5] * 3, [0.5] * 3],
            "sample_size": [[6.0] * 3, [9.0] * 3],
            "total_dlts": [[2.5] * 3, [2.5] * 3],
            "patients_above_mtd": [[1.0] * 3, [2.0] * 3],
            "patients_below_mtd": [[2.0] * 3, [1.75] * 3],
        } | average
        mean = xr.Dataset({k: (dims, v) for k, v in values.items()}, coords={"design": DESIGNS, "belief": BELIEFS})
        follows = xr.Dataset(
            {
                "level": ("design", list(going)),
                "size": ("design", [2, 1]),
                "stop": ("design", ["" if level else "too_toxic" for level in going]),
                "mtd": ("design", [0, 0]),
                "pending": ("design", [wait, 0]),
            },
            coords={"design": DESIGNS},
        )
        tree = xr.DataTree.from_dict({"now": now, "average": mean, "next": follows})
        tree.attrs = {"registered": DESIGNS[0], "amended": DESIGNS[1], "outcomes": "1N 2NNT", "target": 0.25}
        data, cohorts = Trial.from_outcomes("1N 2NNT", study.doses), parse_outcomes("1N 2NNT", 3)
        rest = ([], tree, comparison, None, {}, xr.Dataset(), None, {}, "middle", {}, {}, None)
        dossier = Dossier(study, proposed(study), tuple(cohorts), data, *rest)
        blocks = summary(dossier)
        (shown,) = (block for block in blocks if isinstance(block, Table))
        (bullets,) = (block for block in blocks if isinstance(block, Bullets))
        return " ".join((*bullets.items, _over_beliefs(dossier, mean))), shown

    return told


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ((0.0, 0.0, 0.0), NO_PRICE),
        ((0.1, -0.0004, -0.0004), NO_PRICE),  # less than what is printed
        ((0.1, 0.2, -0.0006), 'The price: in "too toxic" a proposed design selects correctly less often'),
        ((0.1, 0.2, -0.0006), "at worst in 49.9% instead of 50.0% (BOIN 9)."),
        ((-0.1, 0.2, -0.2), 'in "safe" and "too toxic" a proposed design'),
        ((-0.1, 0.2, -0.2), 'at worst in 30.0% instead of 50.0% (BOIN 9, "too toxic").'),
        ((-0.1, -0.0004, 0.0), 'The price: in "safe" a proposed design'),
        ((-0.1, -0.2, -0.1, 0.0, -0.1), 'in "safe", "middle", "too toxic" and "flat" a proposed design'),
        ((-0.1, -0.2, -0.1, -0.1, -0.1), "The price: in 5 scenarios a proposed design"),
    ],
)
def test_a_scenario_is_a_price_from_half_of_what_is_printed_on(tell, change, wanted):
    said, _ = tell(by_scenario=change)
    assert wanted in said
    assert ("The price" in said) == (wanted != NO_PRICE)


MORE = "Under each of these beliefs every proposed design selects correctly more often than the registered one."
AS_MUCH = "Under each of these beliefs every proposed design selects correctly at least as often as the registered one."
LESS = "Under at least one of these beliefs BOIN 9 selects correctly less often than the registered design."


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ((0.1, 0.0006, 0.2), MORE),
        ((0.1, 0.0004, 0.2), AS_MUCH),
        ((0.1, -0.0004, 0.2), AS_MUCH),
        ((0.0, 0.0, 0.0), AS_MUCH),
        ((0.1, -0.0006, 0.2), LESS),
        ((-0.1, -0.1, -0.1), LESS),
    ],
)
def test_over_beliefs_less_often_means_by_more_than_half_of_what_is_printed(tell, change, wanted):
    said, _ = tell(by_belief=change)
    assert wanted in said
    assert sum(said.count(text) for text in (MORE, AS_MUCH, LESS)) == 1
    low, high = (100 * (0.4 + end(change)) for end in (min, max))
    assert f"2 alternatives to it correct selection is 40.0% to 40.0% (ATD 6) and {low:.1f}% to {high:.1f}%" in said


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        ([[0.1, 0.2, 0.3]] * 3, None),
        # a dose that is declared under one truth can be declared
        ([[0.1, 0.2, 0], [0.1, 0, 0], [0.1, 0, 0.0001]], None),
        ([[0.1, 0.2, 0], [0.1, 0, 0], [0.1, 0, 0]], "4 mg"),
        ([[0, 0.2, 0]] * 3, "1 mg or 4 mg"),
        ([[0, 0, 0]] * 3, "1 mg, 2 mg or 4 mg"),
    ],
)
def test_what_the_registered_design_cannot_declare_is_said(tell, selection, wanted):
    said, _ = tell(selection=selection)
    assert (f"From here it cannot declare {wanted} the MTD, whatever the truth." in said) == (wanted is not None)
    assert ("cannot declare" in said) == (wanted is not None)


@pytest.mark.parametrize(("none", "said"), [(0.1, True), (0.0005, True), (0.0002, False), (0, False)])
def test_that_none_is_declared_is_not_said_where_that_is_never(tell, none, said):
    text, _ = tell(none=none)
    assert ("it declares none in" in text) == said
    assert " 0.0%" not in text
    assert "and is right in 40." in text


def test_gains_are_said_with_their_sign(tell):
    said, shown = tell(by_belief=(0.05, 0, 0))
    assert "changes by +5.0 points with BOIN 9 (3.0 more patients, 1.0 fewer DLTs)." in said
    assert "names no dose in 25 of 100 trials and is right in 40." in said
    assert "3.0 more patients, as many DLTs, 1.0 more patients above the MTD and 0.2 fewer patients below it." in said
    assert "It names a dose that is too high in 38 of 100 trials instead of 12." in said
    assert '("middle"), it declares none in 20.0%.' in said
    assert shown.rows == (
        ("ATD 6", "40", "12", "25", "2.0", "1.5", "2.0", "1.0", "6"),
        ("BOIN 9", "45", "38", "6", "5.0", "0.5", "1.8", "2.0", "9"),
    )


@pytest.mark.parametrize(
    ("patients", "dlts", "wanted"),
    [
        (2.25, 1.25, "(0.2 more patients, 0.2 fewer DLTs)"),
        (1.75, 1.75, "(0.2 fewer patients, 0.2 more DLTs)"),
        (2.0, 1.5, "(as many patients, as many DLTs)"),
    ],
)
def test_more_and_fewer_are_said_of_small_differences_too(tell, patients, dlts, wanted):
    said, _ = tell(further_patients=[[2.0] * 3, [patients] * 3], further_dlts=[[1.5] * 3, [dlts] * 3])
    assert f"+0.0 points with BOIN 9 {wanted}." in said


def test_a_trial_that_is_over_or_waits_says_so(tell):
    said, _ = tell(going=(0, 1))
    assert "Under the registered design the trial is over; it names no dose in" in said
    assert "For the next patients: ATD 6: stops (too toxic): no MTD; BOIN 9: 1 patient at 1 mg." in said
    said, _ = tell(wait=2)
    assert "For the next patients: ATD 6: wait for 2 pending patients; BOIN 9: 1 patient at 1 mg." in said
    assert "With at most 6 patients the registered design" in tell()[0]


def test_the_design_that_is_ahead_is_named_by_each_definition():
    dims = ("definition", "design", "scenario")
    values = {
        "correct_by_definition": [[[0.2, 0.4], [0.6, 0.8]], [[0.5, 0.7], [0.1, 0.3]]],
        "overdose_by_definition": [[[0.0, 0.1], [0.1, 0.3]], [[0.3, 0.3], [0.0, 0.0]]],
        "below_by_definition": [[[1, 2], [3, np.nan]], [[4, 6], [7, 8]]],
    }
    ds = xr.Dataset(
        {name: (dims, np.array(value)) for name, value in values.items()},
        {"definition": ["main", "below"], "design": DESIGNS},
    )
    (said,) = _definitions(SimpleNamespace(comparison=ds, designs=DESIGNS))
    assert said.endswith(
        "by 2 definitions: the study's own: BOIN 9 (70.0%, overdose 20.0%, 3.0 patients below the MTD); below: ATD 6 "
        "(60.0%, overdose 30.0%, 5.0 patients below the MTD)."
    )
    assert _definitions(SimpleNamespace(comparison=xr.Dataset(), designs=DESIGNS)) == []
