"""Simulation-based calibration of every model that is sampled.

Parameters are drawn from the prior and data from the parameters; the rank of each parameter and DLT rate among nearly
independent draws of its posterior is then uniform (Talts et al. 2018, arXiv:1804.06788). Each data set has 0, 3, 6 or 9
patients at each dose, drawn at random and without regard to the truth, so doses without data are among them. Of
4 x 1000 draws every twentieth is kept and the last of those 200 dropped: 199 draws, 200 ranks, 10 in each of 20 bins.
Equal values, of the index of an averaged model, are put in random order. Where patients count in part, three more are
in the window, at the second to the last dose, followed for 1/4, 1/2 and 3/4 of it: those of whom the model gives a DLT
in that time have one, by the hazard model at the time that it gives, the others count in part.

``PYTHONPATH=.:tests python tests/slow/test_sbc.py`` writes the record, sbc_results.json (about a quarter of an hour); a
test that always runs reads it.
"""

import json
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from sampled_models import BLRM, MODELS
from scipy.stats import chisquare

from doseopt import __version__
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.cloglog import TwoParameterCloglog
from doseopt.models.external import External, RobustPrior
from doseopt.models.nuts.draws import SamplingWarning, diagnose
from doseopt.models.nuts.joint import Joint, Sampled
from doseopt.models.nuts.pymc import sample

RECORD = Path(__file__).with_name("sbc_results.json")
SEED = 20261123
DATASETS, DRAWS, THIN, RANKED, BINS = 500, 1000, 20, 199, 20
LOWEST_P = 0.001
IN_PART = {"blrm, in part": "blrm", "cloglog, in part": "cloglog"}
CASES: dict[str, Sampled] = MODELS | {name: MODELS[model] for name, model in IN_PART.items()}
CASES["blrm, external"] = RobustPrior(BLRM, External((3, 6, 6, 0), (0, 1, 3, 0), 0.4))
FOLLOWED = (0.0, 0.25, 0.5, 0.75)
type Part = tuple[float, ...]


def fingerprint(name: str) -> float:
    """Return the log density at one point: another prior, curve or likelihood would change it."""
    weights = ((), (0.5,), (0.25,), ()) if name in IN_PART else ()
    joint = Joint.of(CASES[name], None, weights, ((), (), (0.3,), ()) if name in IN_PART else ())
    z = np.linspace(-0.5, 0.7, len(joint.prior.names))
    n = np.full(joint.data_shape, 3)
    return float(joint.log_prior(z) + joint.log_likelihood(joint.theta(z, np), n, n - 2))


def in_part(joint: Joint, p_dlt: FloatArray, rng: np.random.Generator) -> tuple[IntArray, list[Part], list[Part]]:
    """Return who of the pending patients had a DLT, [D], the shares followed of the others, and when the DLTs came."""
    hit, weights, struck = np.zeros(4, np.int64), [()] * 4, [()] * 4
    for j, share in enumerate(FOLLOWED[1:], 1):
        time = rng.random()
        if isinstance(joint.model, TwoParameterCloglog):
            with np.errstate(divide="ignore"):
                time = float(np.log(time) / np.log1p(-p_dlt[j]))  # the hazard is constant
            struck[j] = (time,) if time < share else ()
            hit[j] = time < share
        else:
            hit[j] = time < share * p_dlt[j]
        weights[j] = () if hit[j] else (share,)
    return hit, weights, struck


def one(joint: Joint, rng: np.random.Generator, seed: int, part: bool) -> tuple[dict[str, int], int, bool]:
    """Return the ranks of one data set, the number of divergences, and whether the sampler warned."""
    theta = joint.draw(rng, 1)[0]
    log_p = joint.reported(theta, np)
    truth = dict(zip(joint.prior.names, theta, strict=True))
    if joint.log_weights is not None:
        truth["model_index"] = rng.choice(len(joint.log_weights), p=np.exp(joint.log_weights))
        log_p = log_p[truth["model_index"]]
    p_dlt = np.exp(log_p)
    n = 3 * rng.integers(0, 4, size=joint.data_shape)
    y = rng.binomial(n, p_dlt)
    hit, weights, struck = in_part(joint, p_dlt, rng) if part else (0, (), ())
    beside = {"weights": tuple(weights), "struck": tuple(struck)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SamplingWarning)
        tree = sample(joint.model, n + hit, y + hit, seed=seed, draws=DRAWS, **beside)
    posterior = tree["posterior"].isel(draw=slice(None, None, THIN))
    truth |= {f"p_dlt{[int(i) + 1 for i in at]}": p_dlt[at] for at in np.ndindex(p_dlt.shape)}
    rates = posterior["p_dlt"].to_numpy().reshape(-1, *p_dlt.shape)[:RANKED]
    drawn = {name: posterior[name].to_numpy().ravel()[:RANKED] for name in truth if not name.startswith("p_dlt[")}
    drawn |= {f"p_dlt{[int(i) + 1 for i in at]}": rates[(slice(None), *at)] for at in np.ndindex(p_dlt.shape)}
    ranks = {
        name: int((drawn[name] < value).sum() + rng.integers(0, (drawn[name] == value).sum(), endpoint=True))
        for name, value in truth.items()
    }
    return ranks, diagnose(tree).divergences, bool(caught)


def calibrate(name: str, datasets: int = DATASETS) -> dict[str, object]:
    """Return the counts of ranks in bins for every parameter and DLT rate of a model."""
    model, part, seed = CASES[name], name in IN_PART, SEED + list(CASES).index(name)
    joint, children = Joint(model), np.random.SeedSequence(seed).spawn(datasets)
    counts: dict[str, IntArray] = {}
    divergent = warned = 0
    start = time.perf_counter()
    for child in children:
        ranks, divergences, warning = one(joint, np.random.default_rng(child), int(child.generate_state(1)[0]), part)
        divergent += divergences > 0
        warned += warning
        for quantity, rank in ranks.items():
            counts.setdefault(quantity, np.zeros(BINS, dtype=np.int64))[rank * BINS // (RANKED + 1)] += 1
    return {
        "model": repr(model),
        "log_density": fingerprint(name),
        "datasets": datasets,
        "datasets_with_divergences": divergent,
        "datasets_with_warnings": warned,
        "seconds": round(time.perf_counter() - start),
        "p": {quantity: float(chisquare(values).pvalue) for quantity, values in counts.items()},
        "counts": {quantity: values.tolist() for quantity, values in counts.items()},
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_sampled_model_is_calibrated(name: str) -> None:
    p = calibrate(name)["p"]
    assert isinstance(p, dict)
    assert min(p.values()) > LOWEST_P, p


def test_the_record_holds_every_sampled_model_and_each_is_calibrated() -> None:
    record = json.loads(RECORD.read_text())
    assert set(record["models"]) == set(CASES)
    for name, model in CASES.items():
        entry = record["models"][name]
        now = fingerprint(name)
        assert entry["log_density"] == pytest.approx(now, abs=1e-9), (
            f"{name} has changed: run {Path(__file__).name} again"
        )
        assert entry["datasets"] >= 400
        assert set(Joint(model).prior.names) <= set(entry["counts"])
        assert sum(quantity.startswith("p_dlt") for quantity in entry["counts"]) == np.prod(Joint(model).data_shape)
        for quantity, counts in entry["counts"].items():
            assert sum(counts) == entry["datasets"]
            assert chisquare(counts).pvalue > LOWEST_P, (name, quantity)
            assert chisquare(counts).pvalue == pytest.approx(entry["p"][quantity])


def write() -> None:
    """Run every model and write the record."""
    record = {
        "what": " ".join((__doc__ or "").split("\n\n")[1].split()),
        "versions": {"doseopt": __version__} | {package: version(package) for package in ("pymc", "nutpie", "numpy")},
        "sampler": "nutpie",
        "seed": SEED,
        "chains": 4,
        "tune": 1000,
        "draws": DRAWS,
        "ranked_draws": RANKED,
        "bins": BINS,
        "models": {},
    }
    for name in CASES:
        record["models"][name] = calibrate(name)
        print(name, {key: value for key, value in record["models"][name].items() if key != "counts"}, flush=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    write()
