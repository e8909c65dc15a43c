"""Populations that differ in what happens in the DLT window: in which shares they come, and in which order."""

import itertools

import numpy as np
import pytest
from comparison.test_in_time import CLOCK, REGISTERED, study
from oracle import AcceleratedTitration, Trials
from oracle_rules import Stop, Trial

from doseopt import Trial as RunningTrial
from doseopt import compare
from doseopt.amendment.ladder import MEASURES, SCENARIOS, ladder
from doseopt.comparison.break_even import break_even
from doseopt.comparison.silences import silences
from doseopt.core.parameters import Faults
from doseopt.reports.sections.window import window_blocks
from doseopt.study.file import parse_study

P = np.array([0.05, 0.10, 0.20, 0.30])
SHARES = "[populations]\nshares = { CLF = 0.4, ACLF = 0.6 }\n"
TWO = "{ CLF = 0.08, ACLF = 0.25 }"


def events(reading, probability=TWO, share=0.0):
    return f'[window_events]\ndeath = {{ probability = {probability}, reading = "{reading}", attributed = {share} }}\n'


def of_one(m):
    """P_D and P_0 for constant hazards."""
    mu, k = -np.log(1 - P), -np.log(1 - m)
    return mu / (mu + k) * (1 - (1 - P) * (1 - m)), (1 - P) * (1 - m)


def seen(share=0.0):
    """What a patient of the mixture shows: a DLT, nothing, or one of the deaths that are not attributed."""
    (a, b), (c, d) = of_one(0.08), of_one(0.25)
    dlt, stays = 0.4 * a + 0.6 * c, 0.4 * b + 0.6 * d
    died = 1 - dlt - stays
    return dlt + share * died, stays, (1 - share) * died


RATES = {
    "dlt": lambda: 1 - seen()[1],
    "replace": lambda: seen(0.5)[0] / (1 - seen(0.5)[2]),
    "complete": lambda: seen(0.5)[0],
    "exclude": lambda: seen(0.5)[0] / (1 - seen(0.5)[2]),
}


@pytest.mark.parametrize("reading", RATES)
def test_a_patient_of_the_mixture(reading):
    stated = study(SHARES, events(reading, share=0.0 if reading == "dlt" else 0.5))
    at = stated.scenarios.sel(scenario="A")
    np.testing.assert_allclose(at["p_observed"], RATES[reading](), rtol=1e-13)
    lost = seen(0.5)[2] if reading in ("replace", "exclude") else 0 * P
    np.testing.assert_allclose(at["per_evaluable"], 1 / (1 - lost), rtol=1e-13)
    if reading == "exclude":
        np.testing.assert_allclose(at["p_excluded"], lost, rtol=1e-13)


def test_patients_drawn_one_by_one():
    """Of 200,000 patients at 0.20, whoever is replaced apart: the share with a DLT, within four standard errors."""
    rng, size = np.random.default_rng(5), 200_000
    risk = np.where(rng.random(size) < 0.4, 0.08, 0.25)
    dlt, died = rng.exponential(1 / -np.log(0.8), size), rng.exponential(1, size) / -np.log1p(-risk)
    first = np.minimum(dlt, died)
    kept = (first >= 1) | (dlt < died)
    rate = study(SHARES, events("replace")).scenarios["p_observed"].sel(scenario="A")[2].item()
    assert abs((dlt[kept] < 1).mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / kept.sum())


def test_alike_they_are_one():
    one = compare(study(events("replace", "0.15"), CLOCK))
    two = compare(study(SHARES, events("replace", "{ CLF = 0.15, ACLF = 0.15 }"), CLOCK))
    for name in ("correct_selection", "no_selection", "enrolled", "enrolled_sd"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-12, atol=1e-14)
    for name in ("duration", "completion_sd", "turned_away"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-9)


def in_order(risks, patients, cap, p=P):
    """No selection, E[N] and E[C] of the registered rule by patients: before `patients` of the first risk."""
    trials = Trials(AcceleratedTitration(4, titrate=1), cap=cap)

    def ahead(trial):
        answer = trials.decide(trial)
        if isinstance(answer, Stop):
            return np.array([answer.mtd is None, sum(trial.n), 0], float)
        total = np.array([0.0, 0.0, 1.0])
        for way in itertools.product((0, 1), repeat=answer.size):
            chance = 1.0
            for i, dlt in enumerate(way, sum(trial.n)):
                rate = 1 - (1 - p[answer.dose]) * (1 - risks[i >= patients])
                chance *= rate if dlt else 1 - rate
            total += chance * ahead(trials.treated(trial, answer, sum(way)))
        return total

    return ahead(Trial((0,) * 4, (0,) * 4))


@pytest.fixture(scope="module")
def elicited():
    return study(SHARES, f"[silences]\ndeath_in_window = {{ probability = {TWO}, attributed = 0.5 }}\n")


def test_the_order_in_which_they_come(elicited):
    """Of ten patients registered four are CLF and six ACLF; one of the two comes first."""
    ds = compare(elicited).sel(scenario="A", design="cap 10")
    for first, risks, patients in (("CLF", (0.08, 0.25), 4), ("ACLF", (0.25, 0.08), 6)):
        none, size, _ = in_order(risks, patients, 10)
        at = ds.sel(window_reading=f"death: dlt, {first} first")
        assert at["no_selection_by_reading"].item() == pytest.approx(none, abs=1e-12)
        assert at["enrolled_by_reading"].item() == at["sample_size_by_reading"].item() == pytest.approx(size, rel=1e-12)
    assert ds["window_reading_factor"].to_numpy().tolist()[-2:] == ["population_order"] * 2
    words = ds["window_reading_words"].to_numpy().tolist()
    assert words[-1] == "death CLF 8%, ACLF 25%, counted as a DLT; the first 6 patients ACLF"
    paragraph, table, *_ = window_blocks(compare(elicited))
    assert words[-1] in [row[0] for row in table.rows]
    assert "several populations: CLF 40%, ACLF 60%, mixed where no order is said" in paragraph.text


def test_days_by_the_order_in_which_they_come():
    """A patient every 15.21875 days and 28 days a cohort; listed and with a queue, too."""
    silent = f"[silences]\ndeath_in_window = {{ probability = {TWO}, attributed = 0.5 }}\n"
    at = compare(study(SHARES, silent, CLOCK)).sel(scenario="A", design="cap 10")["duration_by_reading"]
    for first, risks, patients in (("CLF", (0.08, 0.25), 4), ("ACLF", (0.25, 0.08), 6)):
        _, size, cohorts = in_order(risks, patients, 10)
        found = at.sel(window_reading=f"death: dlt, {first} first").item()
        assert found == pytest.approx(15.21875 * size + 28 * cohorts, rel=1e-12)
    stated = compare(study(SHARES, events("dlt"), CLOCK)).sel(scenario="A", design="cap 10")["duration"]
    assert at.sel(window_reading="death: dlt").item() == pytest.approx(stated.item(), rel=1e-12)
    assert np.isnan(at.sel(window_reading="death: replace").item())
    queued = CLOCK + "closed = { queue = 0 }\n"
    days = f"[{', '.join(str(15.21875 * k) for k in range(1, 400))}]"
    listed = CLOCK.replace('kind = "poisson", per_month = 2', f'kind = "dates", dates = {days}')
    slots = CLOCK.replace('kind = "poisson"', 'kind = "fixed"')
    for clock, other in ((queued, CLOCK), (listed, slots)):
        each = (compare(study(SHARES, silent, it))["duration_by_reading"].to_numpy() for it in (clock, other))
        np.testing.assert_allclose(*each, rtol=1e-9)


def test_the_order_is_a_step_of_the_ladder(elicited):
    """Averaged over the two scenarios; alike populations are one whatever their order, for the study's model, too."""
    found = ladder(elicited, RunningTrial(elicited.doses), "cap 10")
    for first, risks, patients in (("CLF", (0.08, 0.25), 4), ("ACLF", (0.25, 0.08), 6)):
        each = [in_order(risks, patients, 10, np.array(p)) for p in ((0.05, 0.1, 0.2, 0.3), (0.25, 0.35, 0.5, 0.6))]
        at = found.sel(average=SCENARIOS, step=f"death: dlt, {first} first")
        wanted = np.mean(each, axis=0)[:2]
        assert [at[name].item() for name in ("no_selection", "sample_size")] == pytest.approx(wanted, rel=1e-12)
        assert (at["rung_name"].item(), at["window"].item()) == ("reading stated", at["step"].item())
    text = "[silences]\ndeath_in_window = { probability = { CLF = 0.15, ACLF = 0.15 } }\n"
    alike = study(SHARES, text)
    one = ladder(alike, RunningTrial(alike.doses), "cap 10")
    for first in ("CLF", "ACLF"):
        for name in MEASURES:
            at = one[name].sel(step=f"death: dlt, {first} first")
            np.testing.assert_allclose(at, one[name].sel(step="death: dlt"), rtol=1e-9, err_msg=name)


def test_amid_a_trial_who_came_before_is_not_known(elicited):
    found = ladder(elicited, RunningTrial.from_outcomes("1N 2NNT", elicited.doses), "cap 10")
    assert "death: dlt, CLF first" in found.attrs["left_out"].splitlines()
    assert "death: dlt" in found["step"].to_numpy().tolist()


def test_readings_of_two_populations_in_comparison_sensitivity_and_ladder(elicited):
    stated = compare(study(SHARES, events("replace"))).sel(design="cap 10")
    ds, varied = compare(elicited).sel(design="cap 10"), silences(elicited, "cap 10")
    (row,) = np.flatnonzero(varied["value"] == "death CLF 8%, ACLF 25%, replaced")
    steps = ladder(elicited, RunningTrial(elicited.doses), "cap 10").sel(average=SCENARIOS, step="death: replace")
    for name in ("correct_selection", "no_selection", "sample_size"):
        found = ds[f"{name}_by_reading"].sel(window_reading="death: replace")
        np.testing.assert_allclose(found, stated[name], rtol=1e-12)
        np.testing.assert_allclose(varied[name][row], stated[name], rtol=1e-12)
        np.testing.assert_allclose(steps[name], stated[name].mean("scenario"), rtol=1e-12)


def test_it_travels(elicited):
    assert parse_study(elicited.to_toml()) == elicited
    assert parse_study(elicited.to_toml()).hash == elicited.hash != study().hash


BAD = {
    "[populations]\nshares = { CLF = 1.0 }\n": "populations.shares: wanted a table of populations",
    "[populations]\nshares = { CLF = 0.4, ACLF = 0.5 }\n": "got a sum of 0.9",
    "[populations]\nshares = 3\n": "populations.shares: wanted a table of populations",
    "[populations]\nshares = { CLF = 0.4, scenario = 0.6 }\n": "wanted another name than 'scenario'",
    "populations = 3\n": "populations: wanted a table, got 3",
    "[populations]\nshares = { CLF = 0.4, AKI = 0.6 }\n": "death.probability.ACLF: wanted one of CLF, AKI",
    "": "window_events.death.probability: wanted the shares of CLF, ACLF beside it, in [populations]",
}


@pytest.mark.parametrize("table", BAD)
def test_a_fault_has_its_place(table):
    text = table + REGISTERED if table.startswith("populations") else REGISTERED + table
    with pytest.raises(Faults) as caught:
        parse_study(text + events("dlt"))
    assert BAD[table] in str(caught.value)


def test_one_population_too_few():
    with pytest.raises(Faults, match="wanted one for every population, missing ACLF"):
        study(SHARES, events("dlt", "{ CLF = 0.1 }"))


def test_break_even_points_want_one_population():
    with pytest.raises(Faults, match=r"window_events\.death\.probability: wanted one probability for all populations"):
        break_even(study(SHARES, events("dlt")), "uncapped", ["cap 10"])


def test_by_scenario_beside_a_belief_of_its_own():
    """A fault where it is stated; a silence may say it, and a belief that weighs the scenarios is none of its own."""
    by_scenario = "{ scenario = { A = 0.1, D = 0.2 } }"
    own = '[belief]\nkind = "logistic"\nlocation = 3.0\nlocation_sd = 1.5\nodds_ratio = 3\n'
    with pytest.raises(Faults, match=r"window_events\.death\.probability\.scenario: wanted one for all"):
        study(own, events("dlt", by_scenario))
    silent = study(own, f"[silences]\ndeath_in_window = {{ probability = {by_scenario} }}\n")
    stated = compare(study(events("dlt", by_scenario))).sel(design="uncapped")
    found = compare(silent).sel(design="uncapped", window_reading="death: dlt")
    np.testing.assert_allclose(found["no_selection_by_reading"], stated["no_selection"], rtol=1e-12)
    weighed = study(events("dlt", by_scenario), '[belief]\nkind = "scenarios"\nweights = [1, 3]\n')
    np.testing.assert_array_equal(weighed.believed().p_observed, weighed.scenarios["p_observed"])
