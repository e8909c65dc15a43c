"""The calendar of one trial: the same patients and arrivals under a design that waits and one that does not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from comparison.test_not_waiting import STUDY
from typer.testing import CliRunner

from doseopt import Faults, Simulate, SimulatePending, compare
from doseopt.cli import app
from doseopt.clock.arrivals import Accrual
from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.comparison.calendar import trial_calendar, with_calendar
from doseopt.reports.render.document import Figure
from doseopt.reports.sections.time import TIME
from doseopt.study.clock import Clock

POISSON = replace(STUDY, clock=Clock(28, Accrual("poisson", per_window=2)))


@pytest.mark.parametrize("seed", [1, 4])
def test_both_are_the_first_trials_of_simulations_with_that_seed(seed):
    ds = trial_calendar(POISSON, "TITE-BOIN 9", "middle", seed)
    assert ds["course"].values.tolist() == ["TITE-BOIN 9", "BOIN 9"]
    scenarios = POISSON.scenarios.sel(scenario=["middle"])
    engines = SimulatePending(Gaps(2.0), Onset("uniform"), 1, seed), Simulate(1, seed)
    for name, engine in zip(ds["course"].values, engines, strict=True):
        wanted, at = engine(POISSON.designs[name], scenarios).isel(scenario=0, ending=0), ds.sel(course=name)
        level, dlt = at["calendar_level"].dropna("calendar_patient"), at["calendar_dlt"].dropna("calendar_patient")
        assert [int((level == j + 1).sum()) for j in range(3)] == wanted["n"].values.tolist()
        assert [int(dlt[(level == j + 1).values].sum()) for j in range(3)] == wanted["y"].values.tolist()
        assert at["calendar_mtd"].item() == wanted["selected"].item() + 1
        assert len(level) == at["calendar_came"].count() == at["calendar_known"].count()
    assert ds["calendar_end"].sel(course="TITE-BOIN 9").item() == pytest.approx(
        28 * engines[0](POISSON.designs["TITE-BOIN 9"], scenarios)["time"].item()
    )


def test_what_is_left_out_is_the_first_design_and_the_middle_scenario():
    ds = with_calendar(POISSON, POISSON.scenarios)
    assert ds["course"].values.tolist() == ["Rolling six", "3+3"]
    assert (ds.attrs["calendar_scenario"], ds.attrs["calendar_seed"]) == ("middle", 1)
    assert ds["p_dlt"].identical(POISSON.scenarios["p_dlt"])


def test_without_its_pair_in_the_study_a_design_is_made_to_wait():
    ds = trial_calendar(POISSON, "TITE-BOIN 12", "safe")
    assert ds["course"].values.tolist() == ["TITE-BOIN 12", "TITE-BOIN 12, waiting"]
    shut = ds.sel(course="TITE-BOIN 12, waiting")
    days = (shut["calendar_opened"] - shut["calendar_closed"]).dropna("calendar_span")
    assert days.values == pytest.approx(28)
    came = shut["calendar_came"].dropna("calendar_patient").values
    assert shut["calendar_closed"].dropna("calendar_span").values == pytest.approx(came[2::3])


def test_a_clock_without_a_law_for_it_is_told_in_full():
    clock = Clock(28, Accrual("bernoulli", per_slot=0.5), visits=(7, 28), known="at_visit", closed={"queue": 1})
    odd = replace(STUDY, clock=clock)
    with pytest.raises(Faults) as caught:
        trial_calendar(odd, "BOIN 9", "midle")
    text = str(caught.value)
    for said in (
        "design: 'BOIN 9' waits until everybody is followed up",
        "scenario: not in the study: 'midle'; did you mean 'middle'?",
        "clock.accrual.kind: wanted 'fixed' or 'poisson' or 'uniform' for the calendar of a trial, got 'bernoulli'",
        "clock.closed: wanted 'lost' for the calendar of a trial, got {'queue': 1}",
        "clock.known: wanted 'at_event' for the calendar of a trial, got 'at_visit'",
    ):
        assert said in text
    assert with_calendar(odd, odd.scenarios) is odd.scenarios


def test_the_command_draws_it_and_refuses_a_study_without_such_a_design(tmp_path):
    ran = CliRunner().invoke(app, ["calendar", "--design", "rolling six", "--seed", "3", "--out", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert {path.name for path in tmp_path.iterdir()} == {"calendar.svg", "calendar.png"}
    assert "Over on day" in ran.output
    refused = CliRunner().invoke(app, ["calendar", "renji-elo"])
    assert refused.exit_code == 2
    assert np.char.find(refused.output, "the study has none") > 0


def test_the_report_shows_it_where_a_design_that_is_not_proposed_does_not_wait():
    """The report compares the designs of the amendment only; the study has others."""
    waiting = {name: POISSON.designs[name] for name in ("ATD 6", "BOIN 9")}
    ds = compare(replace(POISSON, designs=waiting), posteriors=False)
    for study, drawn in ((POISSON, ["calendar"]), (replace(POISSON, designs=waiting), [])):
        blocks = TIME.build(SimpleNamespace(comparison=ds, study=study))
        named = [block.name for block in blocks if isinstance(block, Figure)]
        assert named == ["selection_and_duration", "duration", *drawn]
