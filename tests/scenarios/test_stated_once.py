"""Scenarios of a study: read-only, a set of its own for each who asks, and also with a transform of one's own."""

import numpy as np
import pytest

from doseopt.scenarios.doses import Doses
from doseopt.scenarios.specs import FixedScenario, all_rows

DOSES = Doses(labels=("1", "2"))


class Halved:
    """A transform that cannot be hashed."""

    __hash__ = None

    def apply(self, p_dlt, p_observed, values, tolerance):
        return p_dlt / 2, p_observed / 2


def test_who_changes_a_set_changes_no_other():
    specs = {"one": FixedScenario((0.1, 0.2))}
    first, names = all_rows(specs, DOSES, 0.25)
    assert names == ("one",)
    first.attrs["mine"] = 1
    with pytest.raises(ValueError, match="read-only"):
        first["p_dlt"].to_numpy()[:] = 0
    second, _ = all_rows(specs, DOSES, 0.25)
    assert "mine" not in second.attrs


def test_other_doses_are_other_scenarios():
    specs = {"one": FixedScenario((0.1, 0.2))}
    found, _ = all_rows(specs, Doses(labels=("a", "b")), 0.25)
    assert found["dose"].to_numpy().tolist() == ["a", "b"]


def test_a_transform_that_cannot_be_hashed():
    found, _ = all_rows({"one": FixedScenario((0.1, 0.2), transform=Halved())}, DOSES, 0.25)
    np.testing.assert_allclose(found["p_dlt"].to_numpy(), [[0.05, 0.1]])
