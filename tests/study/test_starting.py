"""First study files: each is a study as it stands, of what was asked for."""

import pytest

from doseopt.core.parameters import Faults
from doseopt.designs import DESIGNS
from doseopt.designs.layers import layers
from doseopt.study.file import parse_study
from doseopt.study.starting import LIKE, Start

SEVEN = ("1", "2.5", "5", "12", "20", "33", "50")


@pytest.mark.parametrize("kind", LIKE)
@pytest.mark.parametrize("doses", [("10",), SEVEN])
def test_each_kind_begins_a_valid_study(kind, doses):
    study = parse_study(Start((kind,), doses, "mg", 0.3, 18, 3, 'A "first" trial').text())
    (design,) = study.designs.values()
    assert type(layers(design).rule) is DESIGNS[kind]
    fills = kind == "bf_boin"  # patients of backfilling come on top
    assert (3 * layers(design).rule.cohorts if fills else design.facts.cap) in (None, 18)
    assert (study.doses.labels, study.target, study.title) == (doses, 0.3, 'A "first" trial')
    ends = kind in ("three_plus_three", "a_plus_b", "accelerated_titration", "rolling_six")
    assert (design.facts.cap is None) == ends


def test_the_scenarios_have_the_mtd_that_they_are_named_after():
    """At an odds ratio of 2 between doses the rates beside 0.25 are 1/7 and 2/5."""
    study = parse_study(Start(doses=SEVEN).text())
    rates = study.scenarios["p_dlt"]
    assert rates.sel(scenario="MTD 2.5")[:3].values.tolist() == [0.14, 0.25, 0.40]
    correct = study.mtd.acceptable(rates)
    assert correct[:-1].argmax(axis=1).tolist() == list(range(7))
    assert not correct[-1].any()


def test_what_begins_no_study_is_named_all_at_once():
    with pytest.raises(Faults) as refused:
        Start(("bion", "efftox"), ("1", "1"), "", 2.0, 2, 3).text()
    said = str(refused.value)
    for part in ("did you mean 'boin'", "does not have EffTox", "each once", "between 0 and 1", "one cohort of 3"):
        assert part in said
    with pytest.raises(Faults, match="wanted numbers that rise and their --unit for a BLRM, got low, high mg"):
        Start(("blrm",), ("low", "high"), "mg").text()


def test_a_cohort_of_nobody_is_not_asked_for():
    with pytest.raises(Faults) as refused:
        Start(like=("boin",), cohort=0, patients=-1).text()
    assert "--cohort: wanted 1 to 100 patients, got 0" in str(refused.value)
    assert "--patients: wanted at least one cohort of 1, got -1" in str(refused.value)


@pytest.mark.parametrize("doses", [("20", "10"), ("2", "10", "9.5")])
def test_doses_in_figures_that_do_not_rise_are_not_taken_for_names(doses):
    with pytest.raises(Faults, match=f"wanted the lowest dose first, got {', '.join(doses)}"):
        Start(like=("boin",), doses=doses, unit="mg").text()
