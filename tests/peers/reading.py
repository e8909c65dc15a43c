"""Reading the tables of `doseopt.verify`, and the exact engine's answer in their layout."""

import csv
from pathlib import Path

import numpy as np

import doseopt
from doseopt.core.state import NONE
from doseopt.engines.exact import Exact
from doseopt.scenarios import make_scenarios

REFERENCE = Path(doseopt.__file__).parent / "verify" / "reference"
BY_DOSE = [f"{stem}_{j}" for stem in ("sel", "n", "tox") for j in range(1, 5)]


def read(name):
    """The rows of a table, as texts."""
    with (REFERENCE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def grouped(rows, *names):
    """The rows by the values of some columns."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def assert_operating_characteristics(design, rows, atol):
    """Compare selection, patients and DLTs by dose and in all with the exact engine, one row a scenario."""
    rates = [[float(row[f"p{j}"]) for j in range(1, 5)] for row in rows]
    outcomes = Exact()(design, make_scenarios(rates))
    weight, n, y = (outcomes[name].to_numpy() for name in ("weight", "n", "y"))
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, 4)
    found = weight @ np.concatenate([choice, n, y, n.sum(1, keepdims=True), y.sum(1, keepdims=True)], axis=1)
    wanted = [[float(row[name]) for name in ("sel_none", *BY_DOSE, "total_n", "total_tox")] for row in rows]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)
