"""Cells for the tests of sweeps, importable in other processes."""

import os
import signal

import numpy as np
from threadpoolctl import threadpool_info

from doseopt.engines.budget import allowed
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures
from doseopt.study.sweep import seed_of


def measured(study, design, draws):
    """Exact measures of a design on the study's scenarios and on drawn ones."""
    fixed = study.scenarios["p_dlt"].to_numpy()
    rng = np.random.default_rng(seed_of("tests", draws))
    p = np.concatenate([fixed, np.sort(rng.random((draws, fixed.shape[1])), axis=1)])
    measures = linear_measures(means_of(study.designs[design], p), p, study.mtd)
    return measures | {"draws": draws}


def even_only(study, number):
    if number % 2:
        raise ArithmeticError(f"{number} is odd")
    return {"number": number}


def threads(study):
    return {"threads": [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]}


def allowed_bytes(study):
    return {"allowed": allowed()}


def killed(study, by):
    if by:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"by": by}
