"""Clinical improvement by dose: rates that rise with the dose or are flat, averaged, at the last visit assessed."""

from __future__ import annotations

from typing import Any

import xarray as xr

from doseopt.endpoints.historical import Historical
from doseopt.models.control import ControlledRate
from doseopt.models.rising import RisingOrFlat
from doseopt.records.efficacy import improvement
from doseopt.records.record import Record
from doseopt.records.safety import ALL

LEVEL = 0.95
FLAT, OTHER_FLAT = 0.5, (0.25, 0.75)
"""Prior probability that improvement does not depend on the dose; others that are tried."""
STATED = (
    "Before any data two models have weights of one half each: one rate at all doses, uniform; or rates that rise with "
    "the dose, every ordered set of them as likely as any other."
)


def improvement_by_dose(record: Record, controls: Historical | None = None) -> xr.Dataset | None:
    """Return what is known of clinical improvement at each dose, at the last visit with anybody assessed.

    Parameters
    ----------
    record : Record
    controls : Historical, optional
        Where they say how many improved, `above_controls` (dose) is added: the probability that the rate of the dose
        alone, uniform before, is above theirs, which is random; `above_controls_all` of all doses together.

    Returns
    -------
    Dataset or None
        Over `dose`: `improved`, `assessed`; `exact_lower`, `exact_upper` of the dose alone; `mean`, `lower`, `upper`
        averaged over both models. Over `flat`, the prior probability that the rate does not depend on the dose:
        `rising`, the posterior probability that it rises, and `sensitivity_mean`, the averaged mean (flat, dose).
        Attributes: `visit`, `flat`, `rising`, `level`. None where nobody was assessed.
    """
    counts = improvement(record, level=LEVEL)
    if not counts.sizes["visit"]:
        return None
    last = counts.isel(visit=-1, drop=True).drop_sel(dose=ALL)
    n, y = last["assessed"].to_numpy(), last["improved"].to_numpy()
    cases = {flat: RisingOrFlat(len(n), flat).posterior(n, y) for flat in sorted({FLAT, *OTHER_FLAT})}
    known = cases[FLAT]
    lower, upper = known.interval(LEVEL)
    values = record.doses.values
    sized = {} if values is None else {"dose_value": ("dose", list(values), {"units": record.doses.unit})}
    found = xr.Dataset(
        {
            "improved": ("dose", y),
            "assessed": ("dose", n),
            "exact_lower": ("dose", last["lower"].to_numpy()),
            "exact_upper": ("dose", last["upper"].to_numpy()),
            "mean": ("dose", known.mean()),
            "lower": ("dose", lower),
            "upper": ("dose", upper),
            "rising": ("flat", [case.rising for case in cases.values()]),
            "sensitivity_mean": (("flat", "dose"), [case.mean() for case in cases.values()]),
        },
        {"dose": list(record.doses.labels), "flat": list(cases), **sized},
        {"visit": str(counts["visit"].to_numpy()[-1]), "level": LEVEL, "method": "quadrature", "prior": STATED},
    )
    found.attrs |= {"flat": FLAT, "rising": known.rising}
    return found if controls is None else _beside(found, controls)


def _beside(found: xr.Dataset, controls: Historical) -> xr.Dataset:
    """Add how probably improvement is more frequent than among controls, where these say so."""
    if controls.improvement is None:
        return found
    rate = ControlledRate(*controls.improvement, weight=controls.weight)
    y, n = found["improved"].to_numpy(), found["assessed"].to_numpy()
    above = [rate.posterior(int(k), int(m - k)).above() for k, m in zip(y, n, strict=True)]
    said = "{} of {} controls improved ({})".format(*controls.improvement, controls.source)
    weight = f", weight {controls.weight:g}" if controls.weight < 1 else ""
    together = rate.posterior(int(y.sum()), int((n - y).sum())).above()
    return found.assign(above_controls=("dose", above)).assign_attrs(
        above_controls_all=together, controls=f"{said}{weight}"
    )


def sampled_improvement(found: xr.Dataset, seed: int, progress: bool = False) -> xr.DataTree:
    """Return draws by NUTS of the models of `improvement_by_dose`: `sample_rising` says which."""
    from doseopt.models.nuts.endpoints import sample_rising

    n, y = (found[name].to_numpy() for name in ("assessed", "improved"))
    return sample_rising(RisingOrFlat(len(n), FLAT), n, y, seed=seed, progress=progress)


def with_improvement_drawn(found: xr.Dataset, tree: xr.DataTree) -> xr.Dataset:
    """Add what draws say, `nuts_...`, with Monte Carlo errors, and how well that went."""
    import arviz as az

    from doseopt.models.nuts.draws import diagnose

    drawn_rate = tree["posterior"].to_dataset()[["rate"]]
    rate, error = drawn_rate["rate"], az.mcse(drawn_rate, method="mean")["rate"]
    over = ("chain", "draw")
    drawn = {
        "mean": rate.mean(over),
        "mean_mcse": error,
        "lower": rate.quantile((1 - LEVEL) / 2, over),
        "upper": rate.quantile((1 + LEVEL) / 2, over),
    }
    added = found.assign({f"nuts_{name}": ("dose", each.to_numpy()) for name, each in drawn.items()})
    said: dict[str, Any] = {name: tree.attrs[name] for name in ("seed", "sampler")}
    said |= {"diagnostics": diagnose(tree).words(), "method": "nuts"}
    return added.assign_attrs(said | {f"nuts_{name}": tree.attrs[name] for name in ("rising", "rising_mcse")})
