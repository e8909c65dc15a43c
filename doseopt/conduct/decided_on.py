"""Quantities that decisions rest on, from the data in hand: which dose is right, and what the next cohort will show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import betaln, comb

from doseopt.beliefs import integrated
from doseopt.beliefs.belief import Belief
from doseopt.beliefs.right import Definitions, right_of_beta
from doseopt.conduct.draws import COHORT, drawn
from doseopt.conduct.question import Question
from doseopt.core.parameters import Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.measures.endings import TOO_HIGH
from doseopt.models.beta import BetaBinomial
from doseopt.records.answer import Answer
from doseopt.records.trial import Trial
from doseopt.study.definitions import MAIN
from doseopt.study.study import Study

KEPT = ("mean", "lower", "upper", "p_over", "p_above_target")
SEED = 1
"""Of the draws where there is no rule of integration."""
TEXTS = {
    "p_right": "posterior probability that the dose is right to name as the MTD",
    "p_none_right": "posterior probability that no dose is right",
    "p_over_third": "posterior probability that the DLT rate is above 1/3",
    "outcome": "posterior predictive probability of so many DLTs in a next cohort of so many at the dose",
}


def definitions_of(study: Study) -> Definitions:
    """Return the study's definitions of right, the main one first, on its planned doses."""
    return Definitions((study.mtd, *study.also.values()), study.doses.planned())


def next_steps(study: Study, trial: Trial) -> dict[str, Answer]:
    """Return what each design of a study does next; without those that wait, or cannot be asked."""
    found = {}
    for name, design in study.designs.items():
        try:
            answer = trial.after(design).answer
        except Faults:
            continue  # a design that looks at a grade that is not recorded, or has no rule for the data
        if answer is not None and answer.level is not None and answer.size:
            found[name] = answer
    return found


def decided_on(
    study: Study, asked: Question, steps: Mapping[str, Answer], draws: xr.DataArray | None = None
) -> xr.Dataset:
    """Return what is decided on after the data, under one model.

    Parameters
    ----------
    study : Study
    asked : Question
        The model, and the patients that it is asked about.
    steps : mapping of str to Answer
        Of `next_steps`.
    draws : DataArray, optional
        Of the DLT rates (chain, draw, dose), in place of quadrature; independent ones are made where patients count in
        part or come from two populations, for which integrals are not split.

    Returns
    -------
    Dataset
        `p_right` (definition, dose) and `p_none_right` (definition): by a definition under which several doses may be
        right they sum to more than 1. `p_over_third` (dose). `outcome` (size, dose, dlts), nan for more DLTs than
        patients; the coordinates `next_level` (from 1) and `next_size` (design). Of draws the Monte Carlo errors, too,
        `<name>_mcse`.
    """
    if draws is None and not asked.whole:
        draws = drawn(asked, study.doses, SEED)["posterior"].to_dataset()["p_dlt"]
    if draws is not None and "group" in draws.dims:
        draws = draws.isel(group=asked.group)
    definitions = definitions_of(study)
    sizes = sorted({COHORT, *(step.size for step in steps.values() if step.size)})
    if draws is not None:
        found = _from_draws(draws, definitions, sizes)
    elif isinstance(asked.curve, BetaBinomial):
        found = _independent(asked.curve, asked.n, asked.y, definitions, sizes)
    else:
        found = _from_nodes(asked, definitions, sizes)
    if draws is None:
        found["p_over_third"] = asked.posterior.prob(TOO_HIGH)[0]
    return _labelled(study, found, sizes, steps)


def side_by_side(
    models: Sequence[str], decided: Sequence[xr.Dataset], known: Sequence[Mapping[str, Any] | xr.Dataset]
) -> xr.Dataset:
    """Return what is decided on under several models, along `model`, with what is known of each dose.

    Parameters
    ----------
    models : sequence of str
    decided : sequence of Dataset
        Of `decided_on`.
    known : sequence of mapping or Dataset
        Of `Question.known`, or of `analyse`: `KEPT` are kept.
    """
    each = [
        one.assign({name: ("dose", np.asarray(summary[name]), {"units": "1"}) for name in KEPT})
        for one, summary in zip(decided, known, strict=True)
    ]
    along = xr.DataArray(list(models), dims="model", name="model")
    return xr.concat(each, along, join="exact", data_vars="all", coords="minimal", compat="equals")


def by_model(study: Study, trial: Trial, models: Sequence[str]) -> xr.Dataset:
    """Return what is decided on under several models by quadrature; see `side_by_side`."""
    steps, asked = next_steps(study, trial), [Question.of(study, trial, model) for model in models]
    return side_by_side(models, [decided_on(study, one, steps) for one in asked], [one.known for one in asked])


def _values(p: FloatArray, definitions: Definitions, sizes: Iterable[int]) -> FloatArray:
    """Return of rates [R, D] what is averaged, [R, C]: what is right, and the outcomes of each size."""
    each = [definitions.judged(p).reshape(len(p), -1)]
    for size in sizes:
        y = np.arange(size + 1)
        p_ = p[..., None]
        each.append((comb(size, y) * p_**y * (1 - p_) ** (size - y)).reshape(len(p), -1))
    return np.concatenate(each, axis=1)


def _parted(values: FloatArray, definitions: Definitions, sizes: list[int], doses: int) -> dict[str, FloatArray]:
    """Return averages [C] by name, as `_values` joined them."""
    rules = len(definitions.rules)
    right, rest = values[: rules * (1 + doses)].reshape(rules, 1 + doses), values[rules * (1 + doses) :]
    outcome = np.full((len(sizes), doses, max(sizes) + 1), np.nan)
    for k, size in enumerate(sizes):
        here, rest = np.split(rest, [doses * (size + 1)])
        outcome[k, :, : size + 1] = here.reshape(doses, size + 1)
    return {"p_none_right": right[:, 0], "p_right": right[:, 1:], "outcome": outcome}


def _from_nodes(asked: Question, definitions: Definitions, sizes: list[int]) -> dict[str, FloatArray]:
    """Return what is decided on as integrals over a posterior that is split where what is right changes."""
    whole = definitions.belief(asked.common, asked.n, asked.y, asked.at)

    def values(belief: Belief) -> FloatArray:
        return _values(belief.p_dlt, definitions, sizes)

    belief, each = integrated(whole, values)
    return _parted(belief.mean(each), definitions, sizes, asked.curve.doses)


def _independent(
    model: BetaBinomial, n: IntArray, y: IntArray, definitions: Definitions, sizes: list[int]
) -> dict[str, FloatArray]:
    """Return the same of independent doses, in closed form but for the closest."""
    right = right_of_beta(model, definitions, n[None], y[None])[0]
    alpha, beta = (model.a + y)[:, None], (model.b + n - y)[:, None]
    each = [right.ravel()]
    for size in sizes:
        dlts = np.arange(size + 1)
        log_m = betaln(alpha + dlts, beta + size - dlts) - betaln(alpha, beta)
        each.append((comb(size, dlts) * np.exp(log_m)).ravel())
    return _parted(np.concatenate(each), definitions, sizes, model.doses)


def _from_draws(draws: xr.DataArray, definitions: Definitions, sizes: list[int]) -> dict[str, FloatArray]:
    """Return the same as averages of draws (chain, draw, dose), with their Monte Carlo errors.

    Errors are at least 1 / (number of draws): where all draws agree, they cannot tell 0 from less than that.
    """
    import arviz as az

    rates = draws.transpose("chain", "draw", "dose").to_numpy()
    flat = rates.reshape(-1, rates.shape[-1])
    over = (flat > TOO_HIGH).astype(float)
    each = np.concatenate([_values(flat, definitions, sizes), over], axis=1)
    values = xr.DataArray(each.reshape(*rates.shape[:2], -1), dims=("chain", "draw", "what"))
    error = np.asarray(az.mcse(values.to_dataset(name="x"), method="mean")["x"].to_numpy())
    error = np.fmax(error, 1 / len(flat))
    doses, found = flat.shape[1], dict[str, FloatArray]()
    for end, value in (("", each.mean(axis=0)), ("_mcse", error)):
        parts = _parted(value[:-doses], definitions, sizes, doses) | {"p_over_third": value[-doses:]}
        found |= {f"{name}{end}": part for name, part in parts.items()}
    return found


def _labelled(
    study: Study, found: Mapping[str, FloatArray], sizes: list[int], steps: Mapping[str, Answer]
) -> xr.Dataset:
    dims = {
        "p_right": ("definition", "dose"),
        "p_none_right": ("definition",),
        "p_over_third": ("dose",),
        "outcome": ("size", "dose", "dlts"),
    }
    data: dict[str, Any] = {}
    for name, value in found.items():
        plain = name.removesuffix("_mcse")
        text = TEXTS[plain] if plain == name else f"Monte Carlo standard error: {TEXTS[plain]}"
        data[name] = (dims[plain], value, {"units": "1", "long_name": text})
    level, size = ([getattr(step, part) for step in steps.values()] for part in ("level", "size"))
    rules = {MAIN: study.mtd, **study.also}
    coords = {
        "dose": list(study.doses.labels),
        "definition": list(rules),
        "definition_rule": ("definition", [rule.describe() for rule in rules.values()]),
        "size": sizes,
        "dlts": np.arange(max(sizes) + 1),
        "design": list(steps),
        "next_level": ("design", np.array(level, int), {"long_name": "dose level that the design gives next, from 1"}),
        "next_size": ("design", np.array(size, int), {"units": "patients", "long_name": "patients who get it"}),
    }
    return xr.Dataset(data, coords=coords)


def as_object(ds: xr.Dataset) -> dict[str, Any]:
    """Return what is decided on as `doseopt posterior --json` prints it.

    Parameters
    ----------
    ds : Dataset
        Of `decided_on`.

    Returns
    -------
    dict
        `definitions`: name, `rule`, `none` and `doses`, the probabilities that none and that each dose is right;
        `p_over_third`; `outcomes`: the probabilities of 0, 1, ... DLTs at each dose by `size` of the next cohort;
        `next`: by design its `level`, `size` and `outcomes`. Of draws `mcse`, too, the largest error of these.
    """
    sizes, outcome = ds["size"].to_numpy().tolist(), ds["outcome"].transpose("size", "dose", "dlts").to_numpy()
    each = {size: outcome[k, :, : size + 1].tolist() for k, size in enumerate(sizes)}
    rows = zip(ds["design"].to_numpy().tolist(), ds["next_level"].to_numpy(), ds["next_size"].to_numpy(), strict=True)
    right, none = ds["p_right"].transpose("definition", "dose").to_numpy(), ds["p_none_right"].to_numpy()
    names = zip(ds["definition"].to_numpy().tolist(), ds["definition_rule"].to_numpy().tolist(), strict=True)
    found = {
        "definitions": [
            {"name": name, "rule": rule, "none": float(none[m]), "doses": right[m].tolist()}
            for m, (name, rule) in enumerate(names)
        ],
        "p_over_third": ds["p_over_third"].to_numpy().tolist(),
        "outcomes": [{"size": size, "doses": doses} for size, doses in each.items()],
        "next": {
            design: {"level": int(level), "size": int(size), "outcomes": each[int(size)][int(level) - 1]}
            for design, level, size in rows
        },
    }
    errors = [float(ds[name].max()) for name in ds.data_vars if str(name).endswith("_mcse")]
    return found | ({"mcse": max(errors)} if errors else {})
