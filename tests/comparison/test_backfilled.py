"""A study with a design that backfills lower doses beside BOIN: what is compared, answered and refused."""

import numpy as np
import pytest

from doseopt import ExactWherePossible, Faults, Simulate, compare
from doseopt.conduct.decision_table import decision_table
from doseopt.conduct.next_dose import next_dose
from doseopt.records.trial import Trial
from doseopt.reports.render.document import Table
from doseopt.reports.sections.time import time_blocks
from doseopt.study.file import parse_study

CLOCK = '[clock]\nwindow = 28\naccrual = { kind = "poisson", per_month = 3 }'
STUDY = f"""
title = "Backfilling"
target = 0.25

[doses]
labels = ["1", "2", "3"]

{CLOCK}

[scenarios]
safe = {{ p_dlt = [0.08, 0.25, 0.40], p_eff = [0.0, 0.0, 0.0] }}
toxic = {{ p_dlt = [0.50, 0.60, 0.70], p_eff = [0.0, 0.0, 0.0] }}

[designs.BOIN]
kind = "boin"
modifiers = [{{ kind = "max_patients", n = 12 }}]

[designs.BF]
kind = "bf_boin"
cohorts = 4
"""
RESPONDS = STUDY.replace("[0.0, 0.0, 0.0]", "[0.3, 0.4, 0.5]")
ENGINE = ExactWherePossible(simulate=Simulate(400, seed=2))


@pytest.mark.parametrize("resolved", [False, True])
def test_without_responses_it_is_boin_with_its_exact_law_of_the_duration(resolved):
    text = STUDY.replace(CLOCK, f'{CLOCK}\nevaluate = "resolved"') if resolved else STUDY
    found = compare(parse_study(text), ENGINE)
    assert found["engine"].values.tolist() == ["exact", "simulated"]
    boin, other = found.sel(design="BOIN"), found.sel(design="BF")
    for name in ("correct_selection", "overdose_selection", "underdose_selection", "duration"):
        assert (np.abs(other[name] - boin[name]) <= 4 * other[f"{name}_mcse"] + 1e-9).all(), name
    toxic = other["sample_size"] - boin["sample_size"]
    assert np.abs(toxic.sel(scenario="toxic")) <= 4 * other["sample_size_mcse"].sel(scenario="toxic")
    np.testing.assert_allclose(other["closed_days"], boin["closed_days"], rtol=0.1)
    np.testing.assert_allclose(other["turned_away"], boin["turned_away"], rtol=0.1)
    assert (other["backfilled"] == 0).all()
    assert boin["backfilled"].isnull().all()


def test_with_responses_lower_doses_have_more_patients():
    whole = compare(parse_study(RESPONDS), ENGINE)
    (days,) = [b for b in time_blocks(whole) if isinstance(b, Table)]
    assert days.head[-1] == "backfilled"
    assert [row[-1] for row in days.rows] == ["-", f"{float(whole['backfilled'].sel(design='BF').mean()):.1f}"]
    found = whole.sel(scenario="safe")
    extra = found["sample_size"].sel(design="BF") - found["sample_size"].sel(design="BOIN")
    assert 1 < extra < found["backfilled"].sel(design="BF") + 1
    assert found["patients"].sel(design="BF")[0] > found["patients"].sel(design="BOIN")[0] + 1
    assert found["turned_away"].sel(design="BF") < found["turned_away"].sel(design="BOIN") - 1


def test_the_trials_that_times_are_simulated_by_are_told_by_design():
    """Of BOIN's days, which are drawn beside its patients, 4,000 whatever is asked for; BF's are its own; one seed."""
    said = "(4,000 trials of BOIN in a scenario, seed 7; 50 trials of BF in a scenario, seed 7;"
    assert said in time_blocks(compare(parse_study(RESPONDS), Simulate(50, seed=7)))[0].text
    engine = ExactWherePossible(simulate=Simulate(50, seed=7))
    alone = (
        "Exact for BOIN, else simulated, since lower doses are backfilled (50 trials of a design in a scenario, seed 7;"
    )
    assert alone in time_blocks(compare(parse_study(RESPONDS), engine))[0].text


def test_what_it_needs_and_is_not_there_is_said_at_once():
    bare = RESPONDS.replace(CLOCK, "").replace(", p_eff = [0.3, 0.4, 0.5]", "")
    with pytest.raises(Faults) as found:
        compare(parse_study(bare), ENGINE)
    text = str(found.value)
    assert "looks at efficacy; wanted p_eff in every scenario, missing in 'safe', 'toxic'" in text
    assert "backfills lower doses; wanted a [clock], as window = 28" in text


@pytest.mark.parametrize(
    ("said", "instead", "message"),
    [
        (
            '"poisson", per_month = 3',
            '"bernoulli", per_slot = 0.2',
            "clock.accrual.kind: wanted 'fixed' or 'poisson' or 'uniform', as",
        ),
        ("cohorts = 4", "cohorts = 4\ndrop = ['2']", "wanted a design on all planned doses"),
        ("cohorts = 4", "cohorts = 4\nexpansion = { n = 6 }", "wanted a design that does not backfill"),
        ("cohorts = 4", "cohorts = 4\nmodifiers = [{ kind = 'coherent' }]", "wanted none over a design that backfills"),
    ],
)
def test_what_cannot_be_done_with_it_is_refused(said, instead, message):
    with pytest.raises(Faults) as found:
        compare(parse_study(RESPONDS.replace(said, instead)), ENGINE)
    assert message in str(found.value)


def test_it_has_no_table_and_says_the_next_dose():
    study = parse_study(RESPONDS)
    with pytest.raises(Faults, match="wanted a design whose decisions depend on patients and DLTs at the current dose"):
        decision_table(study, "BF")
    given = next_dose(study, Trial.from_outcomes("1NNN 1EN 2NNN", study.doses), ["BF"])
    assert given["designs"]["BF"]["level"] == 3
    assert given["designs"]["BF"]["departures"] == []
