"""Indifference intervals of a skeleton against R's dfcrm 0.2-2.1 (`crmsens`), whose own accuracy is about 1e-6."""

import numpy as np
import pytest
from peers.reading import read

from doseopt.models.skeleton import model_sensitivity

ROWS = read("dfcrm_crmsens.csv")


def numbers(text):
    return np.array([float("nan") if part == "NA" else float(part) for part in text.split("|")])


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['target']} {r['model']} {r['source']}" for r in ROWS])
def test_indifference_intervals(row):
    intercept = {"intercept": float(row["intcpt"])} if row["intcpt"] else {}
    found = model_sensitivity(numbers(row["prior"]), float(row["target"]), row["model"], **intercept)
    np.testing.assert_allclose(found.lower, numbers(row["iint_lower"]), rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.upper, numbers(row["iint_upper"]), rtol=0, atol=2e-6)
    low, high = numbers(row["Hset_lower"]), numbers(row["Hset_upper"])
    np.testing.assert_allclose(found.boundaries, low[1:], rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.boundaries, high[:-1], rtol=0, atol=2e-6)
