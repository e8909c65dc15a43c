"""Endpoints of a record by hand: who counts as alive, what the models then say, and what lies on a boundary.

On 20 May 2024 nobody of the five had died; followed were S-1 to day 60, S-2 to 40, S-3 to a transplantation on 18, S-4
to 35, and S-5 was treated that day.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from models.test_control import in_fractions
from models.test_rising import exact
from records.record_files import ADEFF, DOSES, TABLES, WINDOW, write

from doseopt.conduct.endpoints import Endpoints
from doseopt.conduct.improvement import improvement_by_dose
from doseopt.conduct.survival import BEST, EVENT, PART, WORST, against_controls, survival_curve
from doseopt.core.parameters import Faults
from doseopt.endpoints.historical import Historical
from doseopt.models.control import Difference
from doseopt.records.record import read_record

CONTROLS = Historical(60, 130, 200, "made up")


def read(folder, **changes):
    return read_record(write(folder, **changes), DOSES, WINDOW)


def test_who_is_followed_for_less_counts_in_every_way(tmp_path):
    found = against_controls(read(tmp_path), CONTROLS)
    assert found["counted"].values.tolist() == [PART, WORST, BEST, EVENT]
    assert found["yes"].values == pytest.approx([1 + (40 + 18 + 35) / 60, 1, 5, 1 + (40 + 35) / 60])
    assert found["no"].values.tolist() == [0, 4, 0, 1]
    means = [3.55 / 4.55, 2 / 7, 6 / 7, 3.25 / 5.25]
    assert found["survival"].values == pytest.approx(means)
    assert found["difference"].values == pytest.approx([mean - 131 / 202 for mean in means])
    above = found["above"].sel(counted=[WORST, BEST]).values
    assert above == pytest.approx([float(in_fractions(y, 5, 130, 200)) for y in (1, 5)], abs=1e-9)


def test_nothing_is_counted_twice_where_all_are_followed(tmp_path):
    """Of two followed to day 60 one has died on it, and one lives: day 60 is in the window."""
    adsl = "USUBJID,DOSELEV,TRTSDT,SAFFL,DTHDT\nA,1,2024-01-01,Y,2024-03-01\nB,1,2024-01-01,Y,\n"
    record = read_record(write(tmp_path, TABLES | dict(EMPTY, **{"adsl.csv": adsl})), DOSES, WINDOW)
    found = against_controls(record, CONTROLS)
    assert found["counted"].values.tolist() == [PART]
    assert (found["yes"].values.tolist(), found["no"].values.tolist()) == ([1], [1])


EMPTY = {
    "adae.csv": "USUBJID,AEDECOD,ASTDT,AETOXGR,DLTFL\n",
    "adlb.csv": "USUBJID,ADT,AVISITN,PARAMCD,AVAL,AVALU\n",
    "adeff.csv": "USUBJID,AVISITN,PARAMCD,AVALC\n",
}


def test_all_censored_on_the_first_day_say_nothing(tmp_path):
    """The prior is left: a uniform rate is above one with the mean 131/202 with the probability 1 less this."""
    record = read(tmp_path)
    found = against_controls(record.until(record.subjects[0].treated), CONTROLS)
    assert found["yes"].sel(counted=PART).item() == found["no"].sel(counted=PART).item() == 0
    assert found["above"].sel(counted=PART).item() == pytest.approx(1 - 131 / 202, abs=1e-9)


def test_priors_and_weights_of_the_table(tmp_path):
    found = against_controls(read(tmp_path), Historical(60, 130, 200, "made up", weight=0.25))
    assert found["weight"].values.tolist() == [0, 0.25, 0.5, 1]
    main = found.sel(counted=PART)
    same = found.sel(prior="uniform", weight=0.25)
    for name in ("above", "difference", "lower", "upper"):
        assert main[name].item() == pytest.approx(same[f"sensitivity_{name}"].item(), abs=1e-12)
    sceptical = found["sensitivity_difference"].sel(prior="sceptical", weight=1).item()
    assert sceptical == pytest.approx((3.9 + 2.55) / (6 + 2.55) - 131 / 202)
    jeffreys = found["sensitivity_above"].sel(prior="Jeffreys", weight=0).item()
    assert jeffreys == pytest.approx(3.05 / 3.55, abs=1e-9), "above a uniform rate: the mean"
    assert "to the power 0.25" in found.attrs["prior"]


def test_improvement_is_that_of_the_models(tmp_path):
    found = improvement_by_dose(read(tmp_path))
    n, y = (1, 1, 0), (1, 0, 0)
    flat, rising, means, _ = exact(n, y)
    share = float(rising / (rising + flat))
    assert found.attrs["rising"] == pytest.approx(share, abs=1e-10)
    wanted = [share * float(mean) + (1 - share) / 2 for mean in means]
    assert found["mean"].values == pytest.approx(wanted, abs=1e-10)
    assert found["assessed"].values.tolist() == list(n)
    assert found["improved"].values.tolist() == list(y)
    assert found.attrs["visit"] == "28"
    assert found["flat"].values.tolist() == [0.25, 0.5, 0.75]


def test_improvement_is_that_of_the_last_visit(tmp_path):
    found = improvement_by_dose(read_record(write(tmp_path, adeff=("S-2,28", "S-2,7")), DOSES, WINDOW))
    assert (found.attrs["visit"], found["assessed"].values.tolist()) == ("28", [1, 0, 0])


def test_improvement_beside_controls_is_that_of_fractions(tmp_path):
    """S-1 improved and S-2 did not; 70 of 180 controls did, or, of all 200, 90."""
    record = read(tmp_path)
    assert "above_controls" not in improvement_by_dose(record, CONTROLS)
    for k, m, given in ((70, 180, {"improved": 70, "assessed": 180}), (90, 200, {"improved": 90})):
        found = improvement_by_dose(record, Historical(60, 130, 200, "made up", **given))
        each = zip(found["improved"].values.tolist(), found["assessed"].values.tolist(), strict=True)
        wanted = [float(in_fractions(y, n, k, m)) for y, n in each]
        assert found["above_controls"].values == pytest.approx(wanted, abs=1e-9)
        assert found.attrs["above_controls_all"] == pytest.approx(float(in_fractions(1, 2, k, m)), abs=1e-9)
    half = improvement_by_dose(record, Historical(60, 130, 200, "made up", 0.5, 90))
    assert "weight 0.5" in half.attrs["controls"]
    for given, words in (({"improved": 201}, "at most the 200"), ({"assessed": 10}, "says nothing without improved")):
        with pytest.raises(Faults, match=words):
            Historical(60, 130, 200, "made up", **given)


def test_without_controls_and_without_anybody_assessed(tmp_path):
    tables = {name: text for name, text in TABLES.items() if name != "adeff.csv"}
    record = read_record(write(tmp_path, tables), DOSES, WINDOW)
    found = Endpoints.of(SimpleNamespace(historical=None), record)
    assert found.survival is found.improvement is None
    nobody = record.until(record.subjects[0].treated.replace(year=2000))
    assert Endpoints.of(SimpleNamespace(historical=CONTROLS), nobody).survival is None


def test_the_curve_and_its_ends(tmp_path):
    """S-2 dies on day 10: 1 of the 4 then at risk (S-5 was treated on the last day); S-4 leaves on 20."""
    adsl = TABLES["adsl.csv"].replace("0.41e9,50,M,ACLF,,", "0.41e9,50,M,ACLF,,2024-04-20")
    found = survival_curve(read_record(write(tmp_path, TABLES | {"adsl.csv": adsl}), DOSES, WINDOW), CONTROLS)
    assert found["at"].values.tolist() == [0, 10, 60]
    assert found["survival"].values.tolist() == [1, 0.75, 0.75]
    assert found["day"].values.tolist() == [1, 3, 7, 14, 28, 60]
    assert found["at_risk"].values.tolist() == [4, 4, 4, 3, 2, 1]
    assert found["lost"].values.tolist() == [0, 18, 35]
    assert found.attrs["control"] == 0.65


def test_a_curve_that_reaches_nobody_any_more_ends(tmp_path):
    """Followed to day 18 at the longest: the life table ends at 14."""
    record = read(tmp_path)
    found = survival_curve(record.until(record.subjects[0].treated.replace(day=19)))
    assert (found["at"].values.tolist(), found["survival"].values.tolist()) == ([0, 18], [1, 1])
    assert found["day"].values.tolist() == [1, 3, 7, 14]
    assert "control" not in found.attrs


def test_a_curve_on_which_all_have_died_stays_at_nothing(tmp_path):
    adsl = "USUBJID,DOSELEV,TRTSDT,SAFFL,DTHDT\nA,1,2024-01-01,Y,2024-01-01\nB,1,2024-01-01,Y,2024-01-11\n"
    record = read_record(write(tmp_path, TABLES | dict(EMPTY, **{"adsl.csv": adsl})), DOSES, WINDOW)
    found = survival_curve(record)
    assert found["at"].values.tolist() == [0, 0, 10, 60]
    assert found["survival"].values.tolist() == [1, 0.5, 0, 0]
    assert found["estimate"].values.tolist() == [0.5, 0.5, 0.5, 0, 0, 0]


def draws(**values):
    """A tree as a sampler returns it."""
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(values)})
    stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((4, 5000), bool))})
    tree["sample_stats"] = xr.DataTree(stats)
    tree.attrs = {"sampler": "made up", "seed": 3, "rising": 0.6, "rising_mcse": 0.001}
    return tree


@pytest.fixture
def made_up(monkeypatch):
    """Independent draws in the place of those of NUTS, which the slow tests run."""
    rng, over = np.random.default_rng(1), ("chain", "draw")

    def controlled(model, yes, no, **_):
        rate, control = (rng.beta(*ends, (4, 5000)) for ends in ((model.a + yes, model.b + no), model.control))
        return draws(rate=(over, rate), control=(over, control), difference=(over, rate - control))

    def rising(model, n, y, **_):
        return draws(rate=((*over, "dose"), rng.beta(2, 3, (4, 5000, model.doses))))

    monkeypatch.setattr("doseopt.models.nuts.endpoints.sample_controlled", controlled)
    monkeypatch.setattr("doseopt.models.nuts.endpoints.sample_rising", rising)


def test_draws_stand_beside_what_is_exact(tmp_path, made_up):
    record = read(tmp_path)
    found = Endpoints.of(SimpleNamespace(historical=CONTROLS), record, "nuts", seed=3)
    survival, at = found.survival.attrs, found.survival.sel(counted=PART)
    for name in ("survival", "difference", "above"):
        assert survival[f"nuts_{name}"] == pytest.approx(at[name].item(), abs=5 * survival[f"nuts_{name}_mcse"])
    exactly = Difference((3.55, 1), (131, 71)).interval()
    assert [survival["nuts_lower"], survival["nuts_upper"]] == pytest.approx(exactly, abs=0.02)
    assert survival["diagnostics"].startswith("The chains agree")
    assert found.improvement["nuts_mean"].values == pytest.approx([0.4] * 3, abs=0.01)
    assert found.improvement.attrs["nuts_rising"] == 0.6


@pytest.mark.slow
def test_nuts_says_the_same_of_a_record(tmp_path):
    """Monte Carlo errors of five times what ArviZ states."""
    record = read_record(write(tmp_path, TABLES | {"adeff.csv": ADEFF + "S-4,28,IMPROVED,Y\n"}), DOSES, WINDOW)
    found = Endpoints.of(SimpleNamespace(historical=CONTROLS), record, "nuts", seed=3)
    survival = found.survival.attrs
    above = found.survival["above"].sel(counted=PART).item()
    assert survival["nuts_above"] == pytest.approx(above, abs=5 * survival["nuts_above_mcse"])
    off = np.abs(found.improvement["nuts_mean"] - found.improvement["mean"])
    assert (off < 5 * found.improvement["nuts_mean_mcse"]).all()
    assert found.improvement.attrs["nuts_rising"] == pytest.approx(
        found.improvement.attrs["rising"], abs=5 * found.improvement.attrs["nuts_rising_mcse"]
    )
