"""The prior of (log a, log b) of designs with a two-parameter model, as a calibration tunes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

from doseopt.core.tunable import Tunable
from doseopt.designs.defaults import Defaults


class LinePrior(Defaults):
    """A design whose parameters `mean` and `cov` are the bivariate normal prior of (log a, log b)."""

    mean: tuple[float, float] | None
    cov: tuple[tuple[float, float], tuple[float, float]]

    @property
    def means(self) -> tuple[float, float]:
        """Prior means of log a and log b."""
        assert self.mean is not None
        return self.mean

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the prior means and sds of log a and log b, independent."""
        return (
            Tunable("mean_log_a", -4.0, 0.5),
            Tunable("sd_log_a", 0.3, 3.0),
            Tunable("mean_log_b", -1.0, 1.0),
            Tunable("sd_log_b", 0.1, 1.5),
        )

    def tuned(self, values: Mapping[str, Any]) -> Self:
        """Return the design with other values of some of them; a prior with a changed sd has no covariance."""
        given: dict[str, Any] = dict(values)
        names = ("log_a", "log_b")
        means = [given.pop(f"mean_{name}", self.means[k]) for k, name in enumerate(names)]
        changed = any(f"sd_{name}" in given for name in names)
        sds = [given.pop(f"sd_{name}", math.sqrt(self.cov[k][k])) for k, name in enumerate(names)]
        cov = ((sds[0] ** 2, 0.0), (0.0, sds[1] ** 2)) if changed else self.cov
        return super().tuned({**given, "mean": tuple(means), "cov": cov})
