import numpy as np
import pytest
import xarray as xr

from doseopt.core.parameters import Faults
from doseopt.scenarios import concat_scenarios, make_scenarios

P = [[0.05, 0.15, 0.30], [0.30, 0.45, 0.60]]


def places(caught):
    return [fault.where for fault in caught.value.faults]


def test_labels_and_attributes():
    scenarios = make_scenarios(P, ["mild", "steep"], ["0.15", "0.5", "1.5"], reason=["a", "b"], source="here")
    assert scenarios.sizes == {"scenario": 2, "dose": 3}
    assert set(scenarios.data_vars) == {"p_dlt", "p_observed", "p_moderate"}
    assert scenarios["p_dlt"].sel(scenario="steep", dose="0.5").item() == 0.45
    assert scenarios["reason"].values.tolist() == ["a", "b"]
    assert scenarios["source"].values.tolist() == ["here", "here"]
    for variable in scenarios.data_vars.values():
        assert variable.dims == ("scenario", "dose")
        assert variable.attrs["units"] == "1"
        assert variable.attrs["long_name"]


def test_defaults():
    scenarios = make_scenarios(P)
    assert scenarios["scenario"].values.tolist() == ["S1", "S2"]
    assert scenarios["dose"].values.tolist() == ["1", "2", "3"]
    np.testing.assert_array_equal(scenarios["p_observed"], P)
    assert np.isnan(scenarios["p_moderate"]).all()
    assert (scenarios["reason"] == "").all()


def test_observed_and_moderate_rates_are_kept_apart():
    scenarios = make_scenarios(P, p_observed=np.array(P) + 0.1, p_moderate=[[np.nan, 0.1, 0.2], [0.2, 0.3, 0.4]])
    np.testing.assert_array_equal(scenarios["p_dlt"], P)
    np.testing.assert_array_equal(scenarios["p_observed"], np.array(P) + 0.1)
    assert np.isnan(scenarios["p_moderate"][0, 0])
    assert scenarios["p_moderate"][1, 2] == 0.4


def test_the_input_is_not_shared():
    p = np.array(P)
    scenarios = make_scenarios(p)
    p[0, 0] = 0.9
    scenarios["p_dlt"][0, 1] = 0.8
    assert scenarios["p_dlt"][0, 0] == 0.05
    assert scenarios["p_observed"][0, 1] == 0.15
    assert p[0, 1] == 0.15


def test_rates_may_fall_with_the_dose():
    assert make_scenarios([[0.3, 0.2]])["p_dlt"].values.tolist() == [[0.3, 0.2]]


def test_survives_a_file(tmp_path):
    scenarios = make_scenarios(P, ["mild", "steep"], reason="ä reason")
    scenarios.to_netcdf(tmp_path / "s.nc")
    with xr.open_dataset(tmp_path / "s.nc") as read:
        xr.testing.assert_equal(read.load(), scenarios)


def test_all_faults_at_once():
    with pytest.raises(Faults) as caught:
        make_scenarios(
            [[0.1, 1.2, np.nan], [0.1, np.inf]],
            ["a", "a"],
            ["1", "2"],
            p_observed=[[0.1, 0.2, -0.1]],
            p_moderate=[[0.1, 0.2, 0.3], [0.1, 0.2, "x"]],
            reason=["only one"],
        )
    found = places(caught)
    assert found == [
        "names",
        "labels",
        "p_moderate[1]",
        "a.p_dlt[1]",
        "a.p_dlt[2]",
        "a.p_dlt",
        "a.p_dlt[1]",
        "p_observed",
        "reason",
    ]
    assert "got 1.2" in str(caught.value)


def test_faults_of_shape():
    for nothing in ([], 0.3, "text"):
        with pytest.raises(Faults, match="p_dlt: wanted rates by scenario and dose"):
            make_scenarios(nothing)
    with pytest.raises(Faults) as caught:
        make_scenarios([[0.1, 0.2], [0.1]], ["a", "b", ""])
    assert places(caught) == ["names", "names", "S2.p_dlt"]


@pytest.mark.parametrize(
    "p",
    [[[0.1, 1.2], [np.nan, 0.3]], [[0.1, 1.2], [-0.1, 0.3]], [[0.1, 0.2], [0.3, 1.2]], [[0.1], [0.2]], [[0.1, 0.2]]],
)
def test_an_array_of_rates_has_the_faults_of_its_rows(p):
    """An array is checked as a whole first."""
    said = []
    for rates in (p, np.array(p)):
        with pytest.raises(Faults) as caught:
            make_scenarios(rates, ["a", "b"], ["low", "high"], p_observed=rates)
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_concatenation():
    first = make_scenarios(P, ["a", "b"], source="one").assign_attrs(target=0.3, set="x")
    second = make_scenarios([[0.1, 0.2, 0.3]], ["longer name"], p_observed=[[0.2, 0.3, 0.4]]).assign_attrs(target=0.3)
    both = concat_scenarios([first, second.assign_attrs(set="y")])
    assert both["scenario"].values.tolist() == ["a", "b", "longer name"]
    np.testing.assert_array_equal(both["p_observed"][2], [0.2, 0.3, 0.4])
    assert both["source"].values.tolist() == ["one", "one", ""]
    assert both.attrs == {"target": 0.3}
    assert both["p_dlt"].attrs == first["p_dlt"].attrs
    xr.testing.assert_identical(concat_scenarios([first]), first)


def test_concatenation_faults():
    first = make_scenarios(P, ["a", "b"])
    with pytest.raises(Faults) as caught:
        concat_scenarios([first, first, make_scenarios([[0.1, 0.2]], ["c"])])
    assert places(caught) == ["[2].dose", "scenario"]
    with pytest.raises(Faults, match="at least one set"):
        concat_scenarios([])
