"""Patients who are left out, and caps on those enrolled, as a study file states them."""

import numpy as np
import pytest
from comparison.test_in_time import CLOCK, REGISTERED, death, study
from oracle import AcceleratedTitration, Trials
from oracle_lost import Chances, lost
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.comparison.break_even import break_even
from doseopt.comparison.compare import compare
from doseopt.comparison.silences import silences
from doseopt.conduct.pathways import paths
from doseopt.core.parameters import Faults
from doseopt.records.trial import Trial
from doseopt.study.file import parse_study

P = np.array([0.05, 0.10, 0.20, 0.30])
CAPPED = REGISTERED.replace('{ kind = "max_patients", n = 10 }', '{ kind = "max_enrolled", n = 10 }')


def seen(m):
    """P_D and P_0 for constant hazards where death has probability m in the window."""
    mu, k = -np.log(1 - P), -np.log(1 - m)
    return mu / (mu + k) * (1 - (1 - P) * (1 - m)), (1 - P) * (1 - m)


def selected(ds, name):
    at = ds.sel(design=name, scenario="A")
    return [at["no_selection"].item(), *at["selection"].to_numpy()]


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_the_registered_protocol_where_who_dies_is_left_out(share):
    dlt, stays = seen(0.25)
    dlt = dlt + share * (1 - dlt - stays)
    ds = compare(study(death(f'attributed = {share}, reading = "exclude"')))
    chances = Chances((0.0,) * 4, tuple(1 - dlt - stays), tuple(dlt / (dlt + stays)), (0.0,) * 4)
    for name, most in (("uncapped", None), ("cap 10", 10)):
        wanted, patients, _ = lost(Trials(AcceleratedTitration(4, titrate=1), cap=most), chances)
        np.testing.assert_allclose(selected(ds, name), wanted, rtol=0, atol=1e-12)
        at = ds.sel(design=name, scenario="A")
        np.testing.assert_allclose(at["patients"], patients, rtol=1e-12)
        assert at["enrolled"].item() == pytest.approx(np.sum(patients / (dlt + stays)), rel=1e-12)
    np.testing.assert_allclose(ds["p_observed"].sel(scenario="A"), dlt / (dlt + stays), rtol=1e-13)
    assert ds["mtd"].sel(scenario="A").item() == 2  # by the drug-caused rates


@pytest.mark.parametrize("reading", ["replace", "exclude"])
def test_ten_patients_enrolled_and_no_more(reading):
    dlt, stays = seen(0.25)
    ds = compare(parse_study(CAPPED + death(f'reading = "{reading}"'))).sel(scenario="A", design="cap 10")
    ways = tuple(1 - dlt - stays), (0.0,) * 4
    chances = Chances(*(ways if reading == "replace" else ways[::-1]), tuple(dlt / (dlt + stays)), (0.0,) * 4)
    wanted, _, law = lost(Trials(AcceleratedTitration(4, titrate=1)), chances, most=10)
    found = [ds["no_selection"].item(), *ds["selection"].to_numpy()]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    number, chance = (np.array(list(each)) for each in (law.keys(), law.values()))
    mean = number @ chance
    assert ds["enrolled"].item() == pytest.approx(mean, rel=1e-12)
    assert ds["enrolled_sd"].item() == pytest.approx(np.sqrt((number - mean) ** 2 @ chance), rel=1e-9)
    assert ds["more_than_planned"].item() == 0
    assert ds["stopped"].sel(stop_reason="max_enrolled").item() > 0.5


def test_the_sensitivity_reads_it_as_the_study_that_states_it():
    stated = compare(study(death('reading = "exclude"'))).sel(design="uncapped")
    found = silences(study("[silences]\ndeath_in_window = { probability = 0.25 }"), "uncapped")
    (row,) = np.flatnonzero(found["value"] == "death 25%, left out and not replaced")
    for name in ("correct_selection", "no_selection", "sample_size", "total_dlts"):
        np.testing.assert_allclose(found[name][row], stated[name], rtol=1e-12)


def test_times_are_told_of_who_is_left_out():
    """Exactly: a wait for everybody enrolled, and 28 days a cohort; everybody who is turned away comes meanwhile."""
    ds = compare(study(death('reading = "exclude"'), CLOCK))
    assert (ds["duration_mcse"] == 0).all()
    assert "times_simulated" not in ds.attrs
    waits = ds["enrolled"] * 30.4375 / 2
    np.testing.assert_allclose(ds["duration"], waits + ds["closed_days"] + 28, rtol=1e-12)
    np.testing.assert_allclose(ds["turned_away"], ds["closed_days"] * 2 / 30.4375, rtol=1e-10)


def test_what_tells_cohorts_one_by_one_refuses_them():
    whole = study(death('reading = "exclude"'))
    with pytest.raises(Faults, match=r"window_events: wanted events that count"):
        paths(whole, Trial(whole.doses), "uncapped", 2, scenario="A")
    with pytest.raises(Faults, match=r"window_events\.death\.reading: wanted one that is another DLT rate"):
        break_even(whole, "uncapped", ["cap 10"])
    with pytest.raises(Faults, match=r"designs\.\"cap 10\"\.modifiers: wanted no max_enrolled"):
        break_even(parse_study(CAPPED), "uncapped", ["cap 10"])


def test_both_caps_and_one_of_each():
    both = REGISTERED.replace("n = 10 }]", 'n = 10 }, { kind = "max_enrolled", n = 12 }]')
    whole = parse_study(both)
    assert parse_study(whole.to_toml()) == whole
    facts = whole.designs["cap 10"].facts
    assert (facts.cap, facts.max_enrolled) == (10, 12)
    with pytest.raises(Faults, match="wanted at most one cap rule, got 2"):
        parse_study(REGISTERED.replace("n = 10 }]", 'n = 10 }, { kind = "max_patients", n = 12 }]'))


def test_the_command_prints_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.toml"
    path.write_text(CAPPED + death('reading = "exclude"'))
    done = CliRunner().invoke(app, ["compare", str(path), "--full"])
    assert done.exit_code == 0, done.output
    assert "left out and not replaced" in " ".join(done.stdout.split())
