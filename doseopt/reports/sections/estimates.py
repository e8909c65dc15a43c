"""Posterior DLT rates at each dose under each design of a comparison, as part of a document."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.display.labels import accuracy_words, listed, names, shortened
from doseopt.display.panels import FEW_SCENARIOS, in_print
from doseopt.measures.declared import DOUBTFUL
from doseopt.measures.expected import mean_of_known
from doseopt.plots.drawings import drawings
from doseopt.reports.render.document import Block, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.measures import monte_carlo
from doseopt.reports.sections.section import Section

TITLE = "Posterior DLT rates at each dose"
OVER = "posterior probability of a DLT rate above 1/3"
CAPTION = (
    "Posterior mean DLT rate expected at each dose after each design, with the means of its 5% and 95% quantiles.",
    "Points with lines, a row a design, a panel a dose, beside the true rate; the numbers stand in the tables.",
)
RELIABILITY = (
    "What the posterior says of the dose declared, in bins of ten percent, and in how many of these declarations it is "
    "true: that the dose is right, and that its rate is above 1/3. The scenarios are few and chosen: over truths drawn "
    "from the model's own prior the marks would lie on the line.",
    "A panel a design: marks near a diagonal, their area by the share of declarations; the numbers are in the data.",
)
LABEL = 8
"""Letters of a dose in a cell."""


def estimates(ds: xr.Dataset) -> list[Block]:
    """Show the posterior DLT rates at each dose after each design of a comparison, and how accurate their means are.

    Empty if the Dataset holds no posterior.
    """
    return [Heading(TITLE), *_posteriors(ds), *robustness(ds)] if "posterior_mean" in ds else []


def _posteriors(ds: xr.Dataset) -> list[Block]:
    """Show what is to be expected of each dose, what is known where a dose is declared, and after typical endings."""
    texts = [f"Judged by the same posterior under every design: {ds.attrs.get('posterior_model', '')}."]
    if "prior_mean" in ds:
        each = zip(
            names(ds, "dose"), *(100 * ds[f"prior_{m}"].to_numpy() for m in ("mean", "lower", "upper")), strict=True
        )
        prior = ", ".join(f"{dose}: {_estimate(mean, low, high)}" for dose, mean, low, high in each)
        texts.append(f"Before any patient it says, in % with 90% interval, {prior}.")
    blocks: list[Block] = [*map(Paragraph, [*texts, _left_out(ds)])]
    if ds.sizes["scenario"] > FEW_SCENARIOS:
        blocks.append(Paragraph(_chosen(ds)))
    blocks += [_expected(ds, int(s)) for s in in_print(ds)]
    drawn = drawings(ds)
    known, reliable = (
        [Figure.of(drawn[name], *caption, name)] if name in drawn else []
        for name, caption in (("estimates", CAPTION), ("reliability", RELIABILITY))
    )
    return [*blocks, *_declared(ds), *_decisive(ds), *reliable, *known, *_endings(ds)]


def announced(ds: xr.Dataset) -> list[Block]:
    """Say what is known at the declared dose, how to see the rest, and what is left out; empty without posteriors."""
    if "posterior_mean" not in ds:
        return []
    return [Paragraph(f"{_most_and_least(ds)}Posteriors: --posterior, or the files. {_left_out(ds)}")]


def _most_and_least(ds: xr.Dataset) -> str:
    """Say between which designs the posterior of the declared dose ranges."""
    if "declared_p_over" not in ds:
        return ""
    over = mean_of_known(100 * ds["declared_p_over"].transpose("design", "scenario").to_numpy(), axis=1)
    known = np.flatnonzero(~np.isnan(over))
    if not known.size:
        return ""
    low, high = known[over[known].argmin()], known[over[known].argmax()]
    each = list(dict.fromkeys(f"{over[d]:.1f}% ({names(ds, 'design')[d]})" for d in (low, high)))
    return f"At the dose declared Pr(rate > 1/3 | data) averages {' to '.join(each)}. "


def _left_out(ds: xr.Dataset) -> str:
    """Say how much of what can happen the posteriors leave out."""
    share = ds["posterior_left_out"].transpose("design", "scenario").to_numpy()
    if not (share > 0).any():
        return "Computed for every ending of a trial."
    d, s = np.unravel_index(share.argmax(), share.shape)
    where = f"{names(ds, 'design')[d]}, {names(ds, 'scenario')[s]}"
    return (
        "Computed for the endings that carry most weight; the probability of those left out is "
        f"{100 * share.mean():.2g}% on average and at most {100 * share.max():.2g}% ({where}), and what is said is "
        "given the others."
    )


def _chosen(ds: xr.Dataset) -> str:
    """Say which scenarios stand for all, and why."""
    shown = [names(ds, "scenario")[s] for s in in_print(ds)]
    return (
        f"Of the {ds.sizes['scenario']} scenarios {listed(shown)} stand{'s' * (len(shown) == 1)} here for all: those "
        "in which the lowest, the middle and the highest of the right doses is right, of several the one with the "
        "right dose closest to the target. The others are in the data."
    )


def _expected(ds: xr.Dataset, s: int) -> Table:
    """Show what is to be expected of the posterior at each dose in one scenario."""
    shown = ("mean", "lower", "upper", "coverage")
    here = ds.isel(scenario=s)
    values = np.stack([100 * here[f"posterior_{m}"].transpose("design", "dose").to_numpy() for m in shown], axis=2)
    rows = [(name, *(f"{v:.0f}" for v in row.ravel())) for name, row in zip(names(ds, "design"), values, strict=True)]
    each = zip(names(ds, "dose"), 100 * here["p_dlt"].to_numpy(), strict=True)
    caption = (
        f"{names(ds, 'scenario')[s]}: expected posterior mean of the DLT rate (%), means of its 5% and 95% quantiles, "
        "and the probability (%) that the 90% interval covers the true rate, which stands beside the dose"
    )
    return Table(
        caption,
        ("", *("mean", "5%", "95%", "covers") * ds.sizes["dose"]),
        tuple(rows),
        labels=True,
        groups=tuple((f"{dose}, true {p:.0f}", len(shown)) for dose, p in each),
        notes=_errors(here, posterior_mean="mean", posterior_coverage="covers"),
    )


def _endings(ds: xr.Dataset) -> list[Block]:
    """Show what is known after typical endings, and what each design declares there."""
    if "ending_mean" not in ds:
        return []
    doses = names(ds, "dose")
    patients, dlts, mean, lower, upper, over = (
        ds[f"ending_{name}"].transpose("ending", "dose").to_numpy()
        for name in ("patients", "dlts", "mean", "lower", "upper", "over")
    )
    rows = [
        (
            str(e + 1),
            *(f"{y}/{n}" if n else "-" for n, y in zip(patients[e], dlts[e], strict=True)),
            *map(_estimate, 100 * mean[e], 100 * lower[e], 100 * upper[e]),
            *(f"{100 * p:.0f}" for p in over[e]),
        )
        for e in range(len(mean))
    ]
    groups = (("DLTs/patients", len(doses)), ("mean (90% interval)", len(doses)), ("Pr(> 1/3)", len(doses)))
    caption = f"After typical endings: posterior mean of the DLT rate, 90% interval, and {OVER} (%)"
    why = "Typical: the endings of each design that are most probable under the belief, whatever the order of cohorts."
    known = Table(caption, ("", *3 * doses), tuple(rows), labels=True, groups=groups, notes=(why,))
    return [known, _declared_there(ds)]


def _declared_there(ds: xr.Dataset) -> Table:
    """Show how probable each typical ending is, and what is declared there."""
    chance, declared, rest = (
        ds[name].transpose("design", ...).to_numpy()
        for name in ("ending_probability", "ending_declared", "endings_not_shown")
    )
    labels = [*shortened(names(ds, "dose"), LABEL), "none"]
    rows = []
    for d, name in enumerate(names(ds, "design")):
        cells = []
        for p, each in zip(chance[d], declared[d], strict=True):
            said = [label for label, q in zip(labels, [*each, 1 - each.sum()], strict=True) if q > 1e-9]
            cells.append(f"{'/'.join(said)}: {100 * p:.1f}" if p > 0 else "-")
        rows.append((name, *cells, "-" if np.isnan(rest[d]) else f"{100 * rest[d]:.1f}"))
    notes = [f"Belief: {ds.attrs['belief']}.", accuracy_words(float(ds.attrs["belief_error"])).capitalize()]
    if np.isnan(rest).any():
        notes.append("Without numbers: designs that are simulated, too large, or look at moderate toxicity.")
    return Table(
        "The dose declared after each of these endings, and the probability (%) of the ending under the belief",
        ("", *(str(e + 1) for e in range(chance.shape[1])), "others"),
        tuple(rows),
        labels=True,
        notes=tuple(filter(None, notes)),
    )


def _declared(ds: xr.Dataset) -> list[Block]:
    """Show what is known of the dose that is declared."""
    if "declared_p_over" not in ds:
        return []
    columns: list[Any] = []
    for name in ("declared_p_over", "declared_doubtful"):
        values = 100 * ds[name].transpose("design", "scenario").to_numpy()
        columns += [mean_of_known(values, axis=1), np.nanmax(values, axis=1, initial=-1)]
    rows = [
        (name, *("-" if np.isnan(v) or v < 0 else f"{v:.1f}" for v in row))
        for name, row in zip(names(ds, "design"), np.transpose(columns), strict=True)
    ]
    caption = (
        f"The dose declared, given that one is: {OVER} (%), and the share (%) of declarations in which it exceeds "
        f"{100 * DOUBTFUL:.0f}%; mean and highest of the scenarios"
    )
    groups = (("Pr(> 1/3)", 2), (f"exceeds {100 * DOUBTFUL:.0f}%", 2))
    notes = _errors(ds, declared_p_over=groups[0][0], declared_doubtful=groups[1][0])
    return [Table(caption, ("", *("mean", "max") * 2), tuple(rows), labels=True, groups=groups, notes=notes)]


DECISIVE = (
    ("right", "Brier", "declared_right_brier", ".3f"),
    ("right", "said", "declared_p_right", "%"),
    ("right", "true", "declared_right", "%"),
    ("above 1/3", "Brier", "declared_over_brier", ".3f"),
    ("above 1/3", "said", "declared_p_over", "%"),
    ("above 1/3", "true", "declared_over", "%"),
    ("own estimate", "minus", "own_minus_posterior", "+%"),
    ("own estimate", "apart", "own_from_posterior", "%"),
    ("overall", "Brier", "mtd_brier", ".3f"),
)
"""Columns: group, heading, measure, how it is shown."""


def _decisive(ds: xr.Dataset) -> list[Block]:
    """Show how accurate the posterior is where it decides, and how designs' own estimates differ from it."""
    if "declared_right_brier" not in ds:
        return []
    rows: list[list[str]] = [[name] for name in names(ds, "design")]
    for _, _, measure, how in DECISIVE:
        mean = mean_of_known(ds[measure].transpose("design", "scenario").to_numpy(), axis=1)
        for row, value in zip(rows, mean.tolist(), strict=True):
            share = f"{100 * value + 0.0:{'+' * how.startswith('+')}.1f}"
            row.append("-" if np.isnan(value) else share if "%" in how else f"{value:{how}}")
    groups: dict[str, int] = {}
    for group, *_ in DECISIVE:
        groups[group] = groups.get(group, 0) + 1
    notes = (
        "Said: the posterior probability (%) that the declared dose is right, or has a rate above 1/3, on average over "
        "the declarations; true: in how many it is so. Brier: mean square of what is said less 1 where it is true, 0 "
        "where not; 0 at best, 0.25 for a half always said; overall: summed over none and each dose.",
        "Own estimate: of the DLT rate at the declared dose, minus the posterior mean, and how far apart they are "
        "(percentage points), where the design makes one.",
        f"Right: {ds.attrs['mtd_rule'].removeprefix('Correct selection: ')}",
        *_errors(ds, declared_right_brier="Brier", own_from_posterior="own estimate"),
    )
    caption = "Accuracy of the posterior where it decides, at the declared dose; means over the scenarios"
    head = ("", *(column for _, column, *_ in DECISIVE))
    return [Table(caption, head, tuple(map(tuple, rows)), labels=True, groups=tuple(groups.items()), notes=notes)]


def _errors(ds: xr.Dataset, **columns: str) -> tuple[str, ...]:
    """State the largest Monte Carlo standard error of some measures, by what their columns are called."""
    return tuple(f"{text} ({column})" for name, column in columns.items() for text in monte_carlo(ds, name))


def robustness(ds: xr.Dataset) -> list[Block]:
    """Show what the posteriors after typical endings owe to the prior, and how accurate posterior means are."""
    return [*([_sensitivity(ds)] if "ending_mean" in ds else []), _accuracy(ds)]


def _sensitivity(ds: xr.Dataset) -> Table:
    """Show the posterior after typical endings with a narrower and a wider prior."""
    doses, scales = names(ds, "dose"), [k for k in ds["prior_scale"].to_numpy().tolist() if k != 1]
    parts = {
        f"{text}, x {k:g}": 100
        * ds[f"ending_{name}_by_prior"].sel(prior_scale=k).transpose("ending", "dose").to_numpy()
        for name, text in (("mean", "mean"), ("over", "> 1/3"))
        for k in scales
    }
    rows = [
        (ending, *(f"{v:.0f}" for part in parts.values() for v in part[e]))
        for e, ending in enumerate(names(ds, "ending"))
    ]
    caption = (
        "Sensitivity to the prior: the posterior after each typical ending (DLTs/patients at each dose), with the "
        f"prior standard deviations halved and doubled: mean, and {OVER} (%)"
    )
    groups = tuple((title, len(doses)) for title in parts)
    return Table(caption, ("", *len(parts) * doses), tuple(rows), labels=True, groups=groups)


def _accuracy(ds: xr.Dataset) -> Table:
    """Show bias, root mean squared error and coverage at each dose, mean over the scenarios."""
    doses = names(ds, "dose")
    shown = {"bias": "+.1f", "rmse": ".1f", "coverage": ".1f"}
    values = {name: 100 * ds[f"posterior_{name}"].mean("scenario").to_numpy() for name in shown}
    rows = [
        (name, *(format(v + 0.0, how) for measure, how in shown.items() for v in values[measure][d]))
        for d, name in enumerate(names(ds, "design"))
    ]
    groups = tuple((title, len(doses)) for title in ("bias", "error", "coverage"))
    title = "Bias and root mean squared error of the posterior mean (% points), coverage of the 90% interval (%): means"
    caption = f"{title} over {ds.sizes['scenario']} scenarios, at each dose"
    return Table(caption, ("", *3 * doses), tuple(rows), labels=True, groups=groups)


def _estimate(mean: float, lower: float, upper: float) -> str:
    return f"{mean:.0f} ({lower:.0f}-{upper:.0f})"


POSTERIORS = Section(TITLE, lambda dossier: _posteriors(dossier.comparison), answers=("estimation", "measures"))
