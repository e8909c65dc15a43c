"""One model of each kind that is sampled, for the tests of `doseopt.models.nuts.pymc`."""

from doseopt.models.beta import BetaBinomial
from doseopt.models.cloglog import CLOGLOG_MEAN, TwoParameterCloglog
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.monotone import Monotone
from doseopt.models.nuts.joint import Sampled
from doseopt.models.populations import TwoPopulations
from doseopt.models.slope import SlopePrior

DOSES = (0.15e9, 0.5e9, 1.5e9, 4.5e9)
BLRM = TwoParameterLogistic.weakly_informative(DOSES, "cells", 1.5e9)
SKELETON = (0.05, 0.12, 0.25, 0.40)

MODELS: dict[str, Sampled] = {
    "empiric": Empiric(SKELETON, 1.16),
    "logistic": OneParameterLogistic(SKELETON, 1.16),
    "blrm": BLRM,
    "beta-binomial": BetaBinomial(4, 0.5, 0.5),
    "average": ModelAverage(
        (
            Empiric((0.02, 0.05, 0.12, 0.25), 1.16),
            Empiric((0.12, 0.25, 0.40, 0.55), 0.8),
            OneParameterLogistic(SKELETON, 1),
        ),
        (0.3, 0.3, 0.4),
    ),
    "monotone": Monotone((0.05, 0.12, 0.25, 0.45), precision=4.0),
    "two populations": TwoPopulations(BLRM),
    "gamma slope": Empiric(SKELETON, 1.16, SlopePrior("gamma", shape=1.5, rate=1.2)),
    "cloglog": TwoParameterCloglog(DOSES, "cells", 1.5e9, CLOGLOG_MEAN, BLRM.cov),
}
