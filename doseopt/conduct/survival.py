"""Survival of those treated beside historical controls: the curve, and its posterior where both rates are random."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import betaincinv

from doseopt.endpoints.historical import Historical
from doseopt.endpoints.life_table import BREAKS
from doseopt.endpoints.survival import Survival
from doseopt.models.control import ControlledRate
from doseopt.records.outcomes import follow_up
from doseopt.records.record import Record

LEVEL = 0.95
DAY = 60.0
"""Of survival, where a study states no controls."""
WEIGHTS = (0.0, 0.5, 1.0)
"""Of the controls in the table of the sensitivity to the priors, beside that of the study."""
SCEPTICAL = 6
"""Subjects that the sceptical prior is worth; its mean is the share of the controls."""
PART, WORST, BEST, EVENT = "as followed", "censored died", "censored live", "transplanted died"
"""Ways to count those whose follow-up ends before the day; the first is what everything else is computed for."""


def survival_curve(record: Record, controls: Historical | None = None) -> xr.Dataset:
    """Return survival to the day of the controls as a figure shows it, a transplantation ending follow-up.

    Returns
    -------
    Dataset
        Over `step`: `at` (days, the first 0, the last the end of the curve) and `survival` from then on; over `end`,
        the ends of the intervals of the life table that the data reach: `day`, `estimate`, `lower`, `upper`,
        `at_risk`; over `censored`: `lost`, their days. Attributes: `day`, `subjects`, `level`; of the controls, if
        there are any, `control`, `control_lower`, `control_upper` on the day, and `control_n`.
    """
    day = DAY if controls is None else controls.day
    seen = follow_up(record).survival()
    days, died = seen.times
    last = day if (seen.curve == 0).any() else min(float(days.max(initial=0)), day)
    early = seen.at < last
    steps = [0.0, *seen.at[early], last], [1.0, *seen.curve[early], [1.0, *seen.curve[seen.at <= last]][-1]]
    ends = [d for d in (*(b for b in BREAKS if 0 < b < day), day) if not np.isnan(seen.estimate(d)[0])]
    limits = np.array([seen.interval(d, LEVEL)[:2] for d in ends]).reshape(-1, 2)
    found = xr.Dataset(
        {
            "at": ("step", steps[0]),
            "survival": ("step", steps[1]),
            "estimate": ("end", [seen.estimate(d)[0] for d in ends]),
            "lower": ("end", limits[:, 0]),
            "upper": ("end", limits[:, 1]),
            "at_risk": ("end", [int((days >= d).sum()) for d in ends]),
            "lost": ("censored", np.sort(days[~died & (days < day)])),
        },
        {"day": ("end", ends)},
        {"day": day, "subjects": len(days), "level": LEVEL},
    )
    if controls is not None:
        a, b = ControlledRate(controls.survivors, controls.n, controls.weight).control
        lower, upper = (float(betaincinv(a, b, q)) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        found.attrs |= {"control": controls.rate, "control_n": controls.n}
        found.attrs |= {"control_lower": lower, "control_upper": upper}
    return found


def against_controls(record: Record, controls: Historical) -> xr.Dataset:
    """Return what is known of survival to a day beside that of historical controls, whose rate is random.

    Parameters
    ----------
    record : Record
    controls : Historical

    Returns
    -------
    Dataset
        Over `counted`, the ways to count those whose follow-up ends before the day: `yes`, `no`, the subjects counted
        as alive and dead; `survival`, its mean; `difference`, the mean difference to the controls, `lower` and `upper`
        of its 95% interval; `above`, the probability that survival is better. Over `prior` and `weight`:
        `sensitivity_above` and the like. Attributes: what it was made from.
    """
    model = ControlledRate(controls.survivors, controls.n, controls.weight)
    ways = _counted(record, controls.day)
    rows = [(yes, no, *_summary(model, yes, no).values()) for yes, no in ways.values()]
    names = ("yes", "no", "survival", "difference", "lower", "upper", "above")
    main = ways[PART]
    found = xr.Dataset(
        {name: ("counted", list(column)) for name, column in zip(names, zip(*rows, strict=True), strict=True)},
        {"counted": list(ways)},
        {"level": LEVEL, "method": "quadrature", "day": controls.day, "survivors": controls.survivors, "n": controls.n},
    )
    found.attrs |= {"weight": controls.weight, "source": controls.source, "prior": stated(controls)}
    return found.merge(_sensitivity(controls, *main))


def sampled_survival(record: Record, controls: Historical, seed: int, progress: bool = False) -> xr.DataTree:
    """Return draws by NUTS of the model of `against_controls`: `sample_controlled` says which."""
    from doseopt.models.nuts.endpoints import sample_controlled

    model = ControlledRate(controls.survivors, controls.n, controls.weight)
    return sample_controlled(model, *_counted(record, controls.day)[PART], seed=seed, progress=progress)


def with_survival_drawn(found: xr.Dataset, tree: xr.DataTree) -> xr.Dataset:
    """Add what draws say: attributes `nuts_above` and the like, their errors `..._mcse`, and how well that went."""
    import arviz as az

    from doseopt.models.nuts.draws import diagnose

    drawn = tree["posterior"].to_dataset()
    drawn["above"] = (drawn["difference"] > 0).astype(float)
    kept = drawn[["rate", "difference", "above"]].rename(rate="survival")
    error = az.mcse(kept, method="mean")
    added: dict[str, Any] = {f"nuts_{name}": float(kept[name].mean()) for name in kept}
    added |= {f"nuts_{name}_mcse": float(error[name]) for name in kept}
    for name, q in (("lower", (1 - LEVEL) / 2), ("upper", (1 + LEVEL) / 2)):
        added[f"nuts_{name}"] = float(drawn["difference"].quantile(q))
    added |= {name: tree.attrs[name] for name in ("seed", "sampler")} | {"diagnostics": diagnose(tree).words()}
    return found.assign_attrs(added | {"method": "nuts"})


def stated(controls: Historical) -> str:
    """Say the priors in a sentence."""
    share = {1.0: "their counts", 0.0: "none of their counts"}.get(controls.weight, "their counts")
    power = "" if controls.weight in (0, 1) else f" to the power {controls.weight:g}"
    return (
        "Before any data both rates are uniform; that of the controls is random too, and learns from "
        f"{share}{power} (weight {controls.weight:g} of a power prior)."
    )


def _counted(record: Record, day: float) -> dict[str, tuple[float, float]]:
    """Return the subjects that count as alive and as dead, by how those are counted whose follow-up ends before."""
    followed = follow_up(record)
    seen, event = followed.survival(), followed.survival("event")

    def partly(one: Survival) -> tuple[float, float]:
        dead, alive, _ = one.known(day)
        days, died = one.times
        return alive + float(days[~died & (days < day)].sum()) / day, float(dead)

    dead, alive, censored = seen.known(day)
    found = {PART: partly(seen)}
    if censored:
        found |= {WORST: (float(alive), float(dead + censored)), BEST: (float(alive + censored), float(dead))}
    return found | ({EVENT: partly(event)} if event.known(day)[0] > dead else {})


def _summary(model: ControlledRate, yes: float, no: float) -> dict[str, float]:
    known = model.posterior(yes, no)
    lower, upper = known.interval(LEVEL)
    survival = known.rate[0] / sum(known.rate)
    return {
        "survival": survival,
        "difference": known.mean(),
        "lower": lower,
        "upper": upper,
        "above": known.above(),
    }


def _sensitivity(controls: Historical, yes: float, no: float) -> xr.Dataset:
    """Return the same under other priors of survival and other weights of the controls, (prior, weight)."""
    mean = controls.rate * SCEPTICAL
    priors = {"uniform": (1.0, 1.0), "Jeffreys": (0.5, 0.5), "sceptical": (mean, SCEPTICAL - mean)}
    weights = sorted({*WEIGHTS, controls.weight})
    base = ControlledRate(controls.survivors, controls.n)
    each = [[_summary(replace(base, weight=w, a=a, b=b), yes, no) for w in weights] for a, b in priors.values()]
    return xr.Dataset(
        {
            f"sensitivity_{name}": (("prior", "weight"), [[one[name] for one in row] for row in each])
            for name in ("difference", "lower", "upper", "above")
        },
        {"prior": list(priors), "weight": weights},
    )
