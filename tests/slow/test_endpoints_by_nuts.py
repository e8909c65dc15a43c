"""Endpoints by NUTS against closed form and quadrature.

Stated before any was sampled: of every case means, probabilities and the ends of 95% intervals are compared, 4 x 10,000
draws each with the Monte Carlo errors of ArviZ; no |z| may exceed the bound that all comparisons together exceed with a
probability of 1 in 10,000 if the routes agree (Bonferroni), and no sampler may warn. The cases hold a dose that nobody
was given, data in the wrong order, no controls, and priors other than uniform.

``PYTHONPATH=.:tests python tests/slow/test_endpoints_by_nuts.py`` writes the record, endpoints_results.json (about a
minute); a test that always runs reads it.
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import arviz as az
import numpy as np
import pytest
from scipy.stats import norm

from doseopt import __version__
from doseopt.models.control import ControlledRate
from doseopt.models.nuts.draws import SamplingWarning, diagnose
from doseopt.models.nuts.endpoints import sample_controlled, sample_rising
from doseopt.models.rising import RisingOrFlat

RECORD = Path(__file__).with_name("endpoints_results.json")
SEED, DRAWS, FAMILY = 20261129, 10_000, 1e-4
ENDS = (0.025, 0.975)
CONTROLLED = {
    "seven of eight": (ControlledRate(130, 200), 7, 1),
    "half the controls": (ControlledRate(130, 200, 0.5), 7.35, 1),
    "no controls": (ControlledRate(130, 200, 0.0, 0.5, 0.5), 3, 0),
    "a sceptical prior": (ControlledRate(19, 20, 1.0, 5.7, 0.3), 2, 3),
}
RISING = {
    "worked interim": (RisingOrFlat(4), (1, 6, 1, 0), (0, 3, 1, 0)),
    "wrong order": (RisingOrFlat(3, 0.3), (6, 6, 6), (5, 3, 1)),
    "seven doses": (RisingOrFlat(7), (3, 3, 6, 6, 0, 12, 3), (0, 1, 1, 3, 0, 9, 3)),
    "nobody": (RisingOrFlat(4), (0, 0, 0, 0), (0, 0, 0, 0)),
}


def errors(draws, method, **options):
    return az.mcse(draws.to_dataset(name="x"), method=method, **options)["x"].to_numpy()


def share(draws, error_of):
    """The mean of yes and no, and its Monte Carlo error, which is that of the truth where no draw tells."""
    return draws.mean().item(), max(errors(draws.astype(float), "mean").item(), error_of)


def controlled(name):
    """Exact value, value of the draws and Monte Carlo error, by what is compared."""
    model, yes, no = CONTROLLED[name]
    exact = model.posterior(yes, no)
    seed = SEED + list(CONTROLLED).index(name)
    tree = sample_controlled(model, yes, no, seed=seed, draws=DRAWS)
    drawn, above = tree["posterior"].to_dataset(), exact.above()
    found = {
        key: (value, drawn[key].mean().item(), errors(drawn[key], "mean").item())
        for key, value in {
            "rate": exact.rate[0] / sum(exact.rate),
            "control": exact.control[0] / sum(exact.control),
            "difference": exact.mean(),
        }.items()
    }
    least = (above * (1 - above) / diagnose(tree).min_ess_bulk) ** 0.5
    found["above"] = (above, *share(drawn["difference"] > 0, least))
    for q, end in zip(ENDS, exact.interval(), strict=True):
        quantile = drawn["difference"].quantile(q).item()
        found[f"quantile {q}"] = (end, quantile, errors(drawn["difference"], "quantile", prob=q).item())
    return found


def rising(name):
    """Of the rates at each dose, and the probability that they rise."""
    model, n, y = RISING[name]
    exact = model.posterior(np.array(n), np.array(y))
    seed = SEED + 100 + list(RISING).index(name)
    tree = sample_rising(model, np.array(n), np.array(y), seed=seed, draws=DRAWS)
    drawn = tree["posterior"]["rate"]
    found = {"rising": (exact.rising, tree.attrs["rising"], tree.attrs["rising_mcse"])}
    each = [("mean", exact.mean(), drawn.mean(("chain", "draw")).to_numpy(), errors(drawn, "mean"))]
    for q, ends in zip(ENDS, exact.interval(), strict=True):
        middle = drawn.quantile(q, ("chain", "draw")).to_numpy()
        each.append((f"quantile {q}", ends, middle, errors(drawn, "quantile", prob=q)))
    for what, value, seen, error in each:
        found |= {f"{what} {j + 1}": (value[j], seen[j], error[j]) for j in range(model.doses)}
    return found


def compare():
    """All comparisons of all cases, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SamplingWarning)
        found = {f"controlled: {name}": controlled(name) for name in CONTROLLED}
        found |= {f"rising: {name}": rising(name) for name in RISING}
    return {
        case: {what: [float(number) for number in numbers] for what, numbers in each.items()}
        for case, each in found.items()
    }


def bound(cases):
    return float(norm.isf(FAMILY / 2 / sum(map(len, cases.values()))))


def largest(cases):
    return max(abs(a - b) / error for each in cases.values() for a, b, error in each.values())


@pytest.mark.slow
def test_nuts_agrees_with_what_is_exact():
    cases = compare()
    assert largest(cases) < bound(cases), cases


def test_the_record_is_of_these_cases_and_agrees():
    record = json.loads(RECORD.read_text())
    cases = record["cases"]
    assert set(cases) == {f"controlled: {name}" for name in CONTROLLED} | {f"rising: {name}" for name in RISING}
    for name, (model, yes, no) in CONTROLLED.items():
        exact, seen = model.posterior(yes, no), cases[f"controlled: {name}"]
        now = exact.mean(), exact.above(), *exact.interval()
        kept = [seen[what][0] for what in ("difference", "above", *(f"quantile {q}" for q in ENDS))]
        assert kept == pytest.approx(now, abs=1e-8), f"{name} has changed: run {Path(__file__).name} again"
    for name, (model, n, y) in RISING.items():
        exact, seen = model.posterior(np.array(n), np.array(y)), cases[f"rising: {name}"]
        kept = [seen["rising"][0], *(seen[f"mean {j + 1}"][0] for j in range(model.doses))]
        assert kept == pytest.approx([exact.rising, *exact.mean()], abs=1e-8), f"{name} has changed"
    assert record["bound"] == pytest.approx(bound(cases))
    assert record["largest"] == pytest.approx(largest(cases))
    assert largest(cases) < bound(cases)


def write():
    """Compare and write the record."""
    cases = compare()
    record = {
        "what": " ".join((__doc__ or "").split("\n\n")[1].split()),
        "versions": {"doseopt": __version__} | {package: version(package) for package in ("pymc", "nutpie", "numpy")},
        "seed": SEED,
        "draws": DRAWS,
        "bound": bound(cases),
        "largest": largest(cases),
        "columns": ["exact", "NUTS", "Monte Carlo error"],
        "cases": cases,
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print({key: record[key] for key in ("bound", "largest")})


if __name__ == "__main__":
    write()
